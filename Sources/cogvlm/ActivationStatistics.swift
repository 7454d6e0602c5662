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
  /// - Throws: `CogError` when the prompt does not fit the context, or no tap fits the filter; what
  ///   the context's cancellation throws.
  func run(
    query: String, template: PromptTemplate?, video: PreparedVideo?, path: String
  ) throws -> StatisticsReport {
    let points = TapPoint.all(engine.configuration).filter { !$0.isVision || video != nil }
    let wanted = Set(try filter.select(from: points, of: path) { ($0.name, $0.part.rawValue) })
    let collector = StatisticsCollector(engine.context)
    let progress = engine.context.progress.begin("Running the model", total: points.count)
    defer { progress.finish() }
    func measure(_ tap: Tap) throws {
      progress.advance(by: 1, tap.point.name)
      guard wanted.contains(tap.point) else { return }
      try collector.add(
        UnsafeBufferPointer(start: tap.value.pointer, count: tap.value.count), shape: shape(of: tap),
        name: tap.point.name, part: tap.point.part.rawValue)
    }
    let features = try video.map {
      VideoFeatures(matrix: try engine.vision.forward($0.images, tap: measure), frames: $0.frames)
    }
    let prompt = try Conversation(engine, about: features, template: template).prompt(query)
    let session = try Session(engine, capacity: prompt.count)
    _ = try session.prefill(ModelInput(prompt, features: features), tap: measure)
    return collector.report(path: path)
  }

  /// Rows are positions and columns channels; where a row has several positions, the channels come before
  /// them.
  private func shape(of tap: Tap) -> Shape {
    let channels = tap.point.rowShape(engine.configuration)[0]
    let positions = tap.value.columns / channels
    return Shape([tap.value.rows, channels] + (positions == 1 ? [] : [positions, 1]))
  }
}
