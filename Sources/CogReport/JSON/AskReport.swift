package import CogCompute
package import CogEngine
package import CogMedia

/// The JSON document of `cogvlm ask`.
package struct AskReport: Equatable, Sendable, Codable {
  /// Where the time went, in seconds.
  package struct Seconds: Equatable, Sendable, Codable {
    /// Opening the model.
    package var load: Double
    /// Decoding the video.
    package var video: Double
    /// The vision tower and the adapter.
    package var vision: Double
    /// Reading the prompt.
    package var prefill: Double
    /// Making the answer.
    package var decode: Double

    /// The times of one answer.
    package init(load: Double, video: Double, vision: Double, prefill: Double, decode: Double) {
      (self.load, self.video, self.vision) = (load, video, vision)
      (self.prefill, self.decode) = (prefill, decode)
    }
  }

  /// The answer to a question after the first.
  package struct Other: Equatable, Sendable, Codable {
    /// Seconds for the text of the question and for the answer.
    package struct Seconds: Equatable, Sendable, Codable {
      package let prefill: Double
      package let decode: Double
    }

    /// What was asked.
    package let question: String
    /// As of the first answer.
    package let text: String
    package let ids: [Int]
    package let margins: [Float]
    package let ending: GeneratedTokens.Ending
    package let promptTokens: Int
    package let newTokens: Int
    package let seconds: Seconds

    init(_ answer: Answer, to question: String) {
      self.question = question
      (text, ids, margins, ending) = (answer.text, answer.ids, answer.margins, answer.ending)
      (promptTokens, newTokens) = (answer.promptTokens, answer.ids.count)
      seconds = Seconds(prefill: answer.prefillSeconds, decode: answer.decodeSeconds)
    }
  }

  /// The answer.
  package let text: String
  /// Its tokens.
  package let ids: [Int]
  /// At each token, the gap between the two highest logits.
  package let margins: [Float]
  /// Why the answer ended.
  package let ending: GeneratedTokens.Ending
  /// What the engine computed in.
  package let mode: ComputeMode
  /// The numbers of the frames that the model saw.
  package let frameIndices: [Int]
  /// Their times in seconds.
  package let frameTimes: [Double]
  /// Those that are damaged; nil where none is.
  package let damagedFrames: [VideoFrame]?
  /// Tokens of the prompt.
  package let promptTokens: Int
  /// Tokens of the answer.
  package let newTokens: Int
  /// Where the time went.
  package let seconds: Seconds
  /// The answers to the questions after the first; nil where there was one question.
  package let others: [Other]?

  /// The document of answers, at least one.
  package init(
    _ answers: [Answer], to questions: [String], features: VideoFeatures?, mode: ComputeMode, seconds: Seconds
  ) {
    let answer = answers[0]
    let rest = zip(answers, questions).dropFirst().map { Other($0, to: $1) }
    others = rest.isEmpty ? nil : rest
    text = answer.text
    ids = answer.ids
    margins = answer.margins
    ending = answer.ending
    self.mode = mode
    frameIndices = features?.indices ?? []
    frameTimes = features?.seconds ?? []
    damagedFrames = features?.frames.damaged
    promptTokens = answer.promptTokens
    newTokens = answer.ids.count
    self.seconds = seconds
  }
}
