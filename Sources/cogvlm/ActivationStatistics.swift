import CogBase
import CogCompute
import CogEngine
import CogInspect
import CogModel

/// Runs a model over one prompt and measures every tap as `stats` measures tensors: the engine hands the
/// values out, the collector takes them in, and neither knows the other.
struct ActivationStatistics {
  let engine: Engine
  let filter: TensorFilter

  /// The figures of the taps of one prefill.
  ///
  /// - Parameters:
  ///   - video: what is asked about, or nil.
  ///   - path: the model's file, for the report.
  /// - Throws: `CogError` when the prompt does not fit the context, or no tap fits the filter; an interrupt.
  func run(
    query: String, template: PromptTemplate?, video: PreparedVideo?, path: String
  ) throws -> StatisticsReport {
    let points = TapPoint.all(engine.configuration).filter { !$0.isVision || video != nil }
    let wanted = Set(try filter.select(from: points, of: path) { ($0.name, $0.part.rawValue) })
    let collector = try StatisticsCollector()
    let progress = Progress("Running the model", total: points.count)
    defer { progress.finish() }
    func measure(_ tap: Tap) throws {
      try Interruption.check()
      progress.advance(by: 1, tap.point.name)
      guard wanted.contains(tap.point) else { return }
      try collector.add(
        UnsafeBufferPointer(start: tap.value.pointer, count: tap.value.count), shape: shape(of: tap),
        name: tap.point.name, part: tap.point.part.rawValue)
    }
    let features = try video.map {
      VideoFeatures(matrix: try see($0.images, measure), frames: $0.frames)
    }
    let prompt = try Conversation(engine, about: features, template: template).prompt(query)
    let session = try Session(engine, capacity: prompt.count)
    _ = try session.prefill(
      ModelInput(prompt, features: features), tap: measure)
    return collector.report(path: path)
  }

  /// The vision part stage by stage; all frames go through a stage together.
  private func see(_ images: FloatMatrix, _ tap: TapHandler) throws -> FloatMatrix {
    func seen(_ point: TapPoint, _ value: FloatMatrix) throws -> FloatMatrix {
      try tap(Tap(point: point, value: value))
      return value
    }
    let stages = engine.vision
    var x = try seen(.patchEmbedding, stages.patchEmbedding(images))
    for layer in 0..<engine.configuration.vision.layerCount {
      x = try seen(.visionLayer(layer), stages.layer(layer, x))
    }
    x = try seen(.convolution, stages.convolution(x))
    x = try seen(.adapter, stages.adapter(x))
    return try seen(.vision, stages.framed(x))
  }

  /// Rows are positions and columns channels; the convolution has its channels before their positions.
  private func shape(of tap: Tap) -> Shape {
    guard tap.point == .convolution else { return Shape([tap.value.rows, tap.value.columns]) }
    let channels = engine.configuration.vision.hiddenSize
    return Shape([tap.value.rows, channels, tap.value.columns / channels, 1])
  }
}
