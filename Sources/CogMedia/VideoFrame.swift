/// One frame that a model is shown.
package struct VideoFrame: Equatable, Sendable, Codable {
  /// Its number in the video; nil where a reference bundle does not say.
  package var index: Int?
  /// Its start time in the video; nil where it is not known, as a reference bundle has frames without times.
  package var seconds: Double?

  /// A frame with what is known of it.
  package init(index: Int? = nil, seconds: Double? = nil) {
    self.index = index
    self.seconds = seconds
  }

  /// Writes the JSON of a frame; what is not known is null.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(index, forKey: .index)
    try container.encode(seconds, forKey: .seconds)
  }
}
