package import CogVerify

extension Tolerance {
  /// What was applied, in one line, with everything named that is not the model's own profile.
  package var summary: String {
    let given = profile == ownProfile ? "" : " (given; the model's own is \(ownProfile.rawValue))"
    return "tolerance \(profile.rawValue)\(given): isolated \(text(.isolated)), in the vision part "
      + "\(text(.isolatedVision)), accumulated \(text(.accumulated))"
  }

  private func text(_ limit: ToleranceLimit) -> String {
    let value = NumberText.exact(self.limit(limit))
    guard overridden.contains(limit) else { return value }
    return "\(value) (given; the profile has \(NumberText.exact(profile.limit(limit))))"
  }
}
