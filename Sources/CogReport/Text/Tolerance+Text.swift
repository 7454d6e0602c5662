package import CogVerify

extension Tolerance {
  /// What was applied, in one line, with everything named that is not the model's own profile.
  package var summary: String {
    func limit(_ value: Double, _ name: String) -> String {
      guard overridden.contains(name), let own = ToleranceProfile(rawValue: profile)?.limits else {
        return "\(value)"
      }
      let replaced =
        name == "isolated" ? own.isolated : (name == "isolatedVision" ? own.isolatedVision : own.accumulated)
      return "\(value) (given; the profile has \(replaced))"
    }
    return "tolerance \(profile)"
      + (profile == ownProfile ? "" : " (given; the model's own is \(ownProfile))")
      + ": isolated \(limit(isolated, "isolated")), "
      + "in the vision part \(limit(isolatedVision, "isolatedVision")), "
      + "accumulated \(limit(accumulated, "accumulated"))"
  }
}
