package import CogCompute
package import CogEngine
package import CogEvaluate
package import CogMedia

/// The JSON document of `cogvlm ask --segments`.
package struct SegmentsReport: Sendable, Encodable {
  /// What is said about one window.
  package struct Entry: Sendable, Encodable {
    /// A moment or a span, in seconds of the video.
    package struct Time: Sendable, Encodable {
      package let start: Double
      /// Nil for a moment.
      package let end: Double?

      private enum CodingKeys: String, CodingKey { case start, end }

      /// Writes `end` as null for a moment.
      package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(start, forKey: .start)
        try container.encode(end, forKey: .end)
      }
    }

    /// The window, in seconds of the video.
    package let start: Double
    package let end: Double
    /// Whether there is an answer.
    package let status: EvaluatedAnswer.Status
    /// The answer; nil where there is none.
    package let answer: String?
    /// What it speaks of; nil where it speaks of no time of the window.
    package let time: Time?
    /// Why there is no answer; nil where there is one.
    package let error: String?
    /// The tokens of the answer, and why it ended; nil where there is none.
    package let ids: [Int]
    package let ending: GeneratedTokens.Ending?
    /// The times of the frames that the model was shown, and those of them that are damaged.
    package let frameTimes: [Double]
    package let damagedFrames: [VideoFrame]?

    init(_ segment: Segment) {
      (start, end) = (segment.bounds.start, segment.bounds.end)
      status = segment.answer == nil ? .failed : .ok
      answer = segment.answer?.text
      time = segment.time.map { Time(start: $0.start, end: $0.end) }
      error = segment.error.map { "\($0)" }
      (ids, ending) = (segment.answer?.ids ?? [], segment.answer?.ending)
      (frameTimes, damagedFrames) = (segment.frames.compactMap(\.seconds), segment.frames.damaged)
    }

    private enum CodingKeys: String, CodingKey {
      case start, end, status, answer, time, error, ids, ending, frameTimes, damagedFrames
    }

    /// Writes `answer` as null where there is none; what else there is not is absent.
    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(start, forKey: .start)
      try container.encode(end, forKey: .end)
      try container.encode(status, forKey: .status)
      try container.encode(answer, forKey: .answer)
      try container.encodeIfPresent(time, forKey: .time)
      try container.encodeIfPresent(error, forKey: .error)
      try container.encode(ids, forKey: .ids)
      try container.encodeIfPresent(ending, forKey: .ending)
      try container.encode(frameTimes, forKey: .frameTimes)
      try container.encodeIfPresent(damagedFrames, forKey: .damagedFrames)
    }
  }

  /// What was asked about each window.
  package let question: String
  /// What the engine computed in.
  package let mode: ComputeMode
  /// The most seconds of a window.
  package let windowSeconds: Int
  /// The windows in the order of time.
  package let segments: [Entry]
  /// How many of them have no answer.
  package let failed: Int
  /// The answer about the whole video; nil where none was asked for.
  package let merged: MergedAnswer?

  /// The document of windows.
  package init(
    _ segments: [Segment], windowSeconds: Int, question: String, merged: MergedAnswer?, mode: ComputeMode
  ) {
    (self.question, self.mode, self.windowSeconds) = (question, mode, windowSeconds)
    (self.segments, self.merged) = (segments.map(Entry.init), merged)
    failed = segments.count { $0.answer == nil }
  }
}
