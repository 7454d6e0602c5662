package import CogCompute
package import CogModel

/// One of the limits that a tap is held to, all of them relative L2 errors.
package enum ToleranceLimit: String, CaseIterable, Sendable, Codable {
  /// Of a tap of the language model whose layer was given the reference's input.
  case isolated
  /// The same of a tap of the vision part. Its residual stream is large beside what a layer adds, so a fault
  /// in a layer shows less there, and so does rounding.
  case isolatedVision
  /// Of a tap when the engine ran alone from the input.
  case accumulated
}

/// Limits under one name, from the tightest to the widest. They are written down, with their reasons, in
/// `Formats/references.md`.
package enum ToleranceProfile: String, CaseIterable, Sendable, Codable {
  /// No difference at all.
  case exact
  /// A float model in float32.
  case float32
  /// A float model in bfloat16.
  case bfloat16
  /// A float model in one of them beside a reference in the other: what rounding costs, while limits for
  /// bfloat16 are for two that round at the same places.
  case mixed
  /// A model whose quantized weights have 8 bits, in any mode: what rounding weights may cost, not what
  /// rounding in the engine may.
  case int8
  /// The same with 4 bits, in some of the weights or in all.
  case int4

  /// The profile that weights and a mode have of themselves: that of the coarsest quantized weights, or of
  /// the mode where none are.
  ///
  /// A float model in `fast` computes in float32 where its weights are not quantized.
  package init(weights: some Sequence<TensorEncoding>, mode: ComputeMode) {
    switch weights.lazy.filter(\.isQuantized).map(\.bits).min() {
    case .some(...4): self = .int4
    case .some: self = .int8
    case nil: self = mode == .bfloat16 ? .bfloat16 : .float32
    }
  }

  /// The profile that two sides of a comparison have of themselves: the wider one of theirs, and ``mixed``
  /// where only one of them rounds.
  func against(_ other: ToleranceProfile) -> ToleranceProfile {
    if Set([self, other]) == [.float32, .bfloat16] { return .mixed }
    return Self.allCases.last { $0 == self || $0 == other } ?? self
  }

  /// The largest relative L2 error that the profile allows.
  package func limit(_ limit: ToleranceLimit) -> Double {
    switch (self, limit) {
    case (.exact, _): 0
    case (.float32, _): 1e-5
    case (.bfloat16, .isolated): 4e-3
    case (.bfloat16, .isolatedVision): 1e-3
    case (.bfloat16, .accumulated): 1.5e-2
    case (.mixed, .isolated), (.mixed, .isolatedVision): 8e-3
    case (.mixed, .accumulated): 2e-2
    case (.int8, .isolated), (.int8, .isolatedVision): 0.022
    case (.int8, .accumulated): 0.052
    case (.int4, .isolated), (.int4, .isolatedVision): 0.22
    case (.int4, .accumulated): 0.48
    }
  }
}
