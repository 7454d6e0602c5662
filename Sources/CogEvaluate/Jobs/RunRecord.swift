package import CogMedia

/// What became of an item: a line of one of the run's parts (`Formats/run.md`).
package struct RunRecord: Codable, Equatable, Sendable {
  /// How long the work took, in seconds.
  package struct Seconds: Codable, Equatable, Sendable {
    /// For decoding the video and looking at it; 0 where that was done for an item before.
    package var video: Double
    /// For the prompt.
    package var prompt: Double
    /// For the tokens of the reply after the first.
    package var reply: Double
    /// For all of the item.
    package var total: Double

    /// Times.
    package init(video: Double = 0, prompt: Double = 0, reply: Double = 0, total: Double = 0) {
      (self.video, self.prompt, self.reply, self.total) = (video, prompt, reply, total)
    }
  }

  /// The item.
  package let key: String
  /// Whether the model answered.
  package let status: EvaluatedAnswer.Status
  /// What the model said, as it stands; nil where it failed.
  package let reply: String?
  /// The token ids of the reply.
  package let ids: [Int]
  /// The start times in the video of the frames that the model was shown.
  package let frames: [Double]
  /// Those of them that are damaged; nil where there are none.
  package let damagedFrames: [VideoFrame]?
  /// Why there is no reply; nil where there is one.
  package let error: String?
  /// Which attempt at the item it was, from 1.
  package let attempt: Int
  /// How long it took.
  package let seconds: Seconds
  /// When it was finished, in seconds since 1970.
  package let finished: Double
  /// Name and version of the program.
  package let tool: String
  /// The kernels that it computed with.
  package let kernels: String
  /// The run that the line belongs to: ``RunHeader/identity``.
  package let run: String

  /// Which of two lines about one item counts: one with a reply, then the later attempt, then what was
  /// finished later.
  func isBetter(than other: RunRecord) -> Bool {
    if (status == .ok) != (other.status == .ok) { return status == .ok }
    return (attempt, finished) >= (other.attempt, other.finished)
  }
}

/// What a job makes of an item.
package struct RunReply: Equatable, Sendable {
  /// The model's words.
  package let text: String
  /// Their token ids.
  package let ids: [Int]
  /// The frames that the model was shown.
  package let frames: [VideoFrame]
  /// Seconds for the prompt, and for the tokens after the first.
  package let promptSeconds: Double
  package let replySeconds: Double

  /// A reply.
  package init(
    text: String, ids: [Int], frames: [VideoFrame] = [], promptSeconds: Double = 0, replySeconds: Double = 0
  ) {
    (self.text, self.ids, self.frames) = (text, ids, frames)
    (self.promptSeconds, self.replySeconds) = (promptSeconds, replySeconds)
  }
}
