package import CogInspect

/// A diff and what it was held to: the JSON document of `cogvlm diff`.
package struct TensorDiffReport: Encodable, Sendable {
  /// What differs.
  package let diff: TensorDiff
  /// The largest relative L2 error of a tensor that is allowed; nil where there is no limit.
  package let failOver: Double?
  /// Whether no tensor is over it or missing; nil where there is no limit.
  package let passed: Bool?

  /// A diff held to a limit, or to none.
  package init(_ diff: TensorDiff, failOver: Double?) {
    (self.diff, self.failOver) = (diff, failOver)
    passed = failOver.map(diff.passes)
  }

  private enum CodingKeys: String, CodingKey { case failOver, passed }

  /// The diff's keys and these two, where there is a limit.
  package func encode(to encoder: any Encoder) throws {
    try diff.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(failOver, forKey: .failOver)
    try container.encodeIfPresent(passed, forKey: .passed)
  }
}
