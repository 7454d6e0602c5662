import CogBase
import CogEngine
import CogSources
import CogVerify

/// How far a model is from what PyTorch computed, layer by layer.
public struct Verification: Equatable, Sendable {
  /// The errors of one layer, relative L2: `|a - b| / |b|`.
  public struct Layer: Equatable, Sendable {
    /// The PyTorch module path, such as `model.layers.0`.
    public let name: String
    /// The error given the reference's own input to this layer: its fault alone; nil where the bundle lacks
    /// that input.
    public let isolatedError: Double?
    /// The error when the model runs from the video on: its own and that of all layers before.
    public let accumulatedError: Double
    /// Whether both are within tolerance.
    public let passed: Bool
  }

  /// Whether prompt, layers and answer are as they should be.
  public let passed: Bool
  /// The layers in the order of the forward pass.
  public let layers: [Layer]
  /// The first layer that is at fault; nil where none is.
  public let firstAtFault: String?
  /// The model's choice at each token of the reference's answer, as text; nil where the bundle has none.
  public let answer: String?

  init(_ result: ReferenceResult) {
    passed = result.passed
    layers = result.taps.map { tap in
      Layer(
        name: tap.point.name, isolatedError: tap.isolatedRelativeL2, accumulatedError: tap.relativeL2,
        passed: tap.passed)
    }
    firstAtFault = result.firstAtFault?.name
    answer = result.answer?.text
  }
}

extension Model {
  /// Runs the model on what PyTorch ran on, and compares every layer and the answer.
  ///
  /// - Parameters:
  ///   - reference: a bundle that `Tools/capture_reference.py` made; its frames lie beside it.
  ///   - video: the video to take frames from instead; nil takes the bundle's.
  /// - Throws: ``CogVLMError`` when the bundle belongs to another model or there are no frames for it;
  ///   `CancellationError`.
  public func verify(against reference: String, video: Video? = nil) async throws -> Verification {
    try await worker.run { [engine] context in
      let bundle = try ReferenceBundle(
        Input(path: reference).bundle(), configuration: engine.configuration)
      var inputs = VerificationInputs(
        file: engine.file, mode: engine.compute.mode, video: video?.input, context: context)
      let progress = context.progress.begin(
        "Verifying \(reference)", total: Verifier.progressTotal(engine.configuration))
      defer { progress.finish() }
      var verifier = Verifier(engine: engine, bundle: bundle, progress: progress)
      return Verification(try verifier.run(video: inputs.frames(of: bundle)))
    }
  }
}
