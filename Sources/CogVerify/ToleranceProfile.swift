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

/// Limits under one name. They are written down, with their reasons, in `Formats/references.md`.
package enum ToleranceProfile: String, CaseIterable, Sendable, Codable {
  /// No difference at all.
  case exact
  /// A float model in float32.
  case float32
  /// A float model in bfloat16.
  case bfloat16
  /// A model with int4 weights in any mode: what rounding weights to 4 bits may cost, not what rounding in
  /// the engine may.
  case int4

  /// The largest relative L2 error that the profile allows.
  package func limit(_ limit: ToleranceLimit) -> Double {
    switch (self, limit) {
    case (.exact, _): 0
    case (.float32, _): 1e-5
    case (.bfloat16, .isolated): 4e-3
    case (.bfloat16, .isolatedVision): 1e-3
    case (.bfloat16, .accumulated): 1.5e-2
    case (.int4, .isolated), (.int4, .isolatedVision): 0.22
    case (.int4, .accumulated): 0.48
    }
  }
}
