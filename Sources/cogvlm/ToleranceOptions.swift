import ArgumentParser
import CogVerify

extension ToleranceProfile: ExpressibleByArgument {}

/// How far a model may be from its reference.
struct ToleranceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Limits under one name: exact, float32, bfloat16, mixed, int8 or int4. By default the model's own: "
        + "that of the coarsest weights of a quantized model, else that of the mode, or mixed where the "
        + "reference has another one.",
      valueName: "name"))
  var profile: ToleranceProfile?

  @Option(
    help: "The largest relative L2 error of a layer given the reference's input, instead of the profile's.")
  var isolated: Double?

  @Option(help: "The same in the vision part.")
  var isolatedVision: Double?

  @Option(
    help: "The largest relative L2 error of a layer when the model ran alone, instead of the profile's.")
  var accumulated: Double?

  func validate() throws {
    for limit in given.values where !(limit >= 0 && limit.isFinite) {
      throw ValidationError("A limit must be 0 or more, got: \(limit)")
    }
  }

  /// The limits for a model that has the profile `own` of itself.
  func tolerance(own: ToleranceProfile) -> Tolerance {
    Tolerance(profile ?? own, own: own).overriding(given)
  }

  private var given: [ToleranceLimit: Double] {
    let limits: [(ToleranceLimit, Double?)] = [
      (.isolated, isolated), (.isolatedVision, isolatedVision), (.accumulated, accumulated),
    ]
    return Dictionary(uniqueKeysWithValues: limits.compactMap { limit, value in value.map { (limit, $0) } })
  }
}
