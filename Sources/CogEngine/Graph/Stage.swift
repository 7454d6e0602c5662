package import CogCompute
package import CogModel

/// One step of the forward pass: a module of the model, under the point that names its output.
package struct Stage {
  /// Where in the graph.
  package let point: TapPoint
  private let body: (FloatMatrix) -> FloatMatrix
  private let isolated: (FloatMatrix) -> FloatMatrix

  /// A stage.
  ///
  /// - Parameters:
  ///   - body: gives the output for the output of the stage before.
  ///   - isolated: the same for another input, without a trace in what the pass keeps (keys and values);
  ///     `body` by default, for a stage that keeps nothing.
  package init(
    _ point: TapPoint, isolated: ((FloatMatrix) -> FloatMatrix)? = nil,
    _ body: @escaping (FloatMatrix) -> FloatMatrix
  ) {
    self.point = point
    self.body = body
    self.isolated = isolated ?? body
  }

  /// Runs the stage as a part of its pass.
  func run(_ x: FloatMatrix) -> FloatMatrix { body(x) }

  /// Runs the stage on an input of its own, such as a reference's: the pass does not notice.
  package func runIsolated(_ x: FloatMatrix) -> FloatMatrix { isolated(x) }
}
