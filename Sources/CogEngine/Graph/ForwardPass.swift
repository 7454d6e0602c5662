package import CogBase
package import CogCompute
package import CogModel

/// A stage that has just run, and what it gave.
package struct Tap {
  /// The stage. It may be run on another input while its weights are at hand.
  package let stage: Stage
  /// Its output as rows: tokens by width; for the convolution frames by everything else.
  package let value: FloatMatrix

  /// Where in the graph.
  package var point: TapPoint { stage.point }
}

/// Receives every tap of a pass, in the order of the stages.
package typealias TapHandler = (Tap) throws -> Void

/// A walk through stages, each on the output of the one before: the only loop over the model's graph. Taps,
/// cancellation and progress are here.
///
/// Who wants the output only calls ``run(tap:)``. Who walks two models in step advances both stage by stage.
package struct ForwardPass {
  private let context: RunContext
  private let progress: (any ProgressTask)?
  private var stages: ArraySlice<Stage>
  /// The input, or the output of the last stage that has run.
  package private(set) var value: FloatMatrix

  /// A pass that has not begun.
  ///
  /// - Parameter progress: a task that counts each stage as one unit.
  package init(
    _ stages: [Stage], input: FloatMatrix, context: RunContext, progress: (any ProgressTask)? = nil
  ) {
    self.stages = stages[...]
    self.context = context
    self.progress = progress
    value = input
  }

  /// Runs the next stage; nil when all have run.
  ///
  /// - Throws: what the context's cancellation throws.
  package mutating func advance() throws -> Tap? {
    guard let stage = stages.first else { return nil }
    try context.cancellation.check()
    stages.removeFirst()
    value = stage.run(value)
    progress?.advance(by: 1, stage.point.name)
    return Tap(stage: stage, value: value)
  }

  /// Runs all stages that are left.
  ///
  /// - Returns: the last one's output.
  /// - Throws: what the context's cancellation or `tap` throws.
  package mutating func run(tap: TapHandler? = nil) throws -> FloatMatrix {
    while let output = try advance() { try tap?(output) }
    return value
  }
}
