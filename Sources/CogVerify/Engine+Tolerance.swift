package import CogEngine
import CogModel

extension Engine {
  /// The profile of tolerance that the weights and the mode have of themselves.
  package var toleranceProfile: ToleranceProfile {
    ToleranceProfile(weights: file.entries.map(\.encoding), mode: compute.mode)
  }
}
