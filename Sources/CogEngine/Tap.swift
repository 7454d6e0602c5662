package import CogCompute
package import CogModel

/// A value of the language model's graph, handed out while it runs.
package struct Tap {
  /// Where in the graph.
  package let point: TapPoint
  /// The value as rows: tokens by width.
  package let value: FloatMatrix

  /// A value at a point, for who runs the stages of the vision part.
  package init(point: TapPoint, value: FloatMatrix) {
    (self.point, self.value) = (point, value)
  }
}

/// Receives every tap of a run, in the order of the forward pass.
package typealias TapHandler = (Tap) throws -> Void

/// The stages of the vision part, each a function of the one before: what the verifier steps through.
///
/// All frames go through a stage together; rows are frames times positions.
package protocol VisionStages: Sendable {
  /// `[frames, 3 * size * size]` to `[frames * 257, vision width]`.
  func patchEmbedding(_ images: FloatMatrix) throws -> FloatMatrix
  /// `[frames * 257, vision width]` to the same.
  func layer(_ layer: Int, _ x: FloatMatrix) throws -> FloatMatrix
  /// `[frames * 257, vision width]` to `[frames, vision width * 8 * 8]`.
  func convolution(_ x: FloatMatrix) throws -> FloatMatrix
  /// `[frames, vision width * 8 * 8]` to `[frames * 64, width]`.
  func adapter(_ x: FloatMatrix) throws -> FloatMatrix
  /// `[frames * 64, width]` to `[frames * 66, width]`.
  func framed(_ x: FloatMatrix) throws -> FloatMatrix
}
