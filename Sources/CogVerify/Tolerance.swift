public import CogCompute

/// How far a tap may be from the reference. The profiles are written down in `Formats/references.md`.
public struct Tolerance: Equatable, Sendable, Codable {
  /// The profile's name.
  public var profile: String
  /// Largest relative L2 error of a tap when the engine ran alone from the input.
  public var accumulated: Double
  /// Largest relative L2 error of a tap whose layer was given the reference's input.
  public var isolated: Double
  /// The same for the taps of the vision part. Its residual stream is large beside what a layer adds, so a fault in
  /// a layer shows less there, and so does rounding.
  public var isolatedVision: Double

  /// A float model in float32.
  public static let float32 = Tolerance(
    profile: "float32", accumulated: 1e-5, isolated: 1e-5, isolatedVision: 1e-5)
  /// A float model in bfloat16.
  public static let bfloat16 = Tolerance(
    profile: "bfloat16", accumulated: 1.5e-2, isolated: 4e-3, isolatedVision: 1e-3)
  /// A model with int4 weights in any mode: what rounding weights to 4 bits may cost, not what rounding in the
  /// engine may.
  public static let int4 = Tolerance(profile: "int4", accumulated: 0.48, isolated: 0.22, isolatedVision: 0.22)

  /// The largest isolated error of a tap.
  public func isolated(isVision: Bool) -> Double { isVision ? isolatedVision : isolated }

  /// The profile for a model and a mode.
  ///
  /// A float model in `fast` computes in float32 where its weights are not quantized.
  public static func profile(isQuantized: Bool, mode: ComputeMode) -> Tolerance {
    if isQuantized { return .int4 }
    return mode == .bfloat16 ? .bfloat16 : .float32
  }
}
