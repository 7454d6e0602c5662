/// One frame that a model is shown.
package struct VideoFrame: Equatable, Sendable, Codable {
  /// Its number in the video; nil where a reference bundle does not say.
  package var index: Int?
  /// Its start time in the video; nil where it is not known, as a reference bundle has frames without times.
  package var seconds: Double?
  /// What the decoder says is wrong with the picture, where that was tolerated; nil where nothing is.
  package var damage: String?

  /// A frame with what is known of it.
  package init(index: Int? = nil, seconds: Double? = nil, damage: String? = nil) {
    self.index = index
    self.seconds = seconds
    self.damage = damage
  }

  /// Writes the JSON of a frame; where and when is null where it is not known, damage is absent where there
  /// is none.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(index, forKey: .index)
    try container.encode(seconds, forKey: .seconds)
    try container.encodeIfPresent(damage, forKey: .damage)
  }
}

extension [VideoFrame] {
  /// The damaged ones, each once; nil where there are none, which documents leave out.
  package var damaged: [VideoFrame]? {
    var known: Set<Int?> = []
    let damaged = filter { $0.damage != nil && known.insert($0.index).inserted }
    return damaged.isEmpty ? nil : damaged
  }
}
