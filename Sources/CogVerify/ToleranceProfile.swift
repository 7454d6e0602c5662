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

  /// The largest relative L2 errors of a tap: when its layer was given the reference's input, the same in the
  /// vision part, and when the engine ran alone.
  package var limits: (isolated: Double, isolatedVision: Double, accumulated: Double) {
    switch self {
    case .exact: (0, 0, 0)
    case .float32: (1e-5, 1e-5, 1e-5)
    case .bfloat16: (4e-3, 1e-3, 1.5e-2)
    case .int4: (0.22, 0.22, 0.48)
    }
  }
}
