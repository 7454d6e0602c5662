package import CogCompute
import CogModel

/// How far a tap may be from the reference, and where the limits come from.
package struct Tolerance: Equatable, Sendable, Codable {
  /// The profile's name.
  package private(set) var profile: String
  /// The profile that the model and the mode have of themselves; another one was asked for where the two
  /// differ.
  package private(set) var ownProfile: String
  /// The limits that were given by hand instead of the profile's: `isolated`, `isolatedVision`,
  /// `accumulated`.
  package private(set) var overridden: [String] = []
  /// Largest relative L2 error of a tap when the engine ran alone from the input.
  package private(set) var accumulated: Double
  /// Largest relative L2 error of a tap whose layer was given the reference's input.
  package private(set) var isolated: Double
  /// The same for the taps of the vision part. Its residual stream is large beside what a layer adds, so a
  /// fault in a layer shows less there, and so does rounding.
  package private(set) var isolatedVision: Double

  /// The limits of a profile.
  ///
  /// - Parameter own: the profile that the model and the mode have of themselves; nil takes `profile`.
  package init(_ profile: ToleranceProfile, own: ToleranceProfile? = nil) {
    self.profile = profile.rawValue
    ownProfile = (own ?? profile).rawValue
    (isolated, isolatedVision, accumulated) = profile.limits
  }

  /// The largest isolated error of a tap.
  package func isolated(isVision: Bool) -> Double { isVision ? isolatedVision : isolated }

  /// The same of the tap that a name stands for.
  package func isolated(ofTap name: String) -> Double {
    isolated(isVision: TapPoint(name: name)?.isVision ?? false)
  }

  /// The limits with those replaced that are given; ``overridden`` names them.
  package func overriding(isolated: Double?, isolatedVision: Double?, accumulated: Double?) -> Tolerance {
    var result = self
    func replace(_ limit: WritableKeyPath<Tolerance, Double>, by value: Double?, _ name: String) {
      guard let value else { return }
      result[keyPath: limit] = value
      result.overridden.append(name)
    }
    replace(\.isolated, by: isolated, "isolated")
    replace(\.isolatedVision, by: isolatedVision, "isolatedVision")
    replace(\.accumulated, by: accumulated, "accumulated")
    return result
  }

  /// The profile for a model and a mode.
  ///
  /// A float model in `fast` computes in float32 where its weights are not quantized.
  package static func profile(isQuantized: Bool, mode: ComputeMode) -> ToleranceProfile {
    if isQuantized { return .int4 }
    return mode == .bfloat16 ? .bfloat16 : .float32
  }
}
