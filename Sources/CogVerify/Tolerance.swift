package import CogModel

/// How far a tap may be from the reference, and where the limits come from.
package struct Tolerance: Equatable, Sendable, Codable {
  /// The profile that was applied.
  package let profile: ToleranceProfile
  /// The profile that the model and the mode have of themselves; another one was asked for where the two
  /// differ.
  package let ownProfile: ToleranceProfile
  /// The limits that were given by hand instead of the profile's.
  package private(set) var overridden: [ToleranceLimit] = []
  /// Largest relative L2 error of a tap when the engine ran alone from the input.
  package private(set) var accumulated: Double
  /// Largest relative L2 error of a tap of the language model whose layer was given the reference's input.
  package private(set) var isolated: Double
  /// The same for the taps of the vision part.
  package private(set) var isolatedVision: Double

  /// The limits of a profile.
  ///
  /// - Parameter own: the profile that the model and the mode have of themselves; nil takes `profile`.
  package init(_ profile: ToleranceProfile, own: ToleranceProfile? = nil) {
    self.profile = profile
    ownProfile = own ?? profile
    isolated = profile.limit(.isolated)
    isolatedVision = profile.limit(.isolatedVision)
    accumulated = profile.limit(.accumulated)
  }

  /// The largest error that is allowed.
  package func limit(_ limit: ToleranceLimit) -> Double {
    switch limit {
    case .isolated: isolated
    case .isolatedVision: isolatedVision
    case .accumulated: accumulated
    }
  }

  /// The largest isolated error of a tap.
  package func isolated(_ point: TapPoint) -> Double { point.isVision ? isolatedVision : isolated }

  /// The limits with those replaced that are given; ``overridden`` names them.
  package func overriding(_ limits: [ToleranceLimit: Double]) -> Tolerance {
    var result = self
    for limit in ToleranceLimit.allCases {
      guard let value = limits[limit] else { continue }
      result.overridden.append(limit)
      switch limit {
      case .isolated: result.isolated = value
      case .isolatedVision: result.isolatedVision = value
      case .accumulated: result.accumulated = value
      }
    }
    return result
  }
}
