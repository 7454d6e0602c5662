package import CogBase
package import CogMedia

/// One question and what the model made of it.
package struct EvaluatedAnswer: Equatable, Sendable, Codable {
  /// Whether a question was answered.
  package enum Status: String, Sendable, Codable {
    /// The model answered, rightly or not.
    case ok
    /// The model could not be asked: its clip is missing or cannot be decoded, or the prompt does not fit.
    case failed
  }

  /// The video, as the question file has it.
  package let video: String
  /// The question's task.
  package let task: String
  /// What was asked.
  package let question: String
  /// The true answer.
  package let expected: String
  /// Whether the model answered.
  package let status: Status
  /// The model's answer; nil where there is none.
  package let answer: String?
  /// The token ids of the model's answer.
  package let ids: [Int]
  /// Whether the answer counts as right.
  package let correct: Bool
  /// Whether a rule that was asked found no answer in the text; nil where it found one.
  package internal(set) var unparsed: Bool?
  /// Why there is no answer; nil where there is one.
  package let error: String?
  /// Frames that the model was shown although they are damaged; nil where there are none.
  package let damagedFrames: [VideoFrame]?

  /// The answer `text`, made of the tokens `ids`, to a question.
  package init(_ question: Question, text: String, ids: [Int], damagedFrames: [VideoFrame]? = nil) {
    self.init(
      question, status: .ok, answer: text, ids: ids, correct: Scoring.isCorrect(text, for: question),
      damagedFrames: damagedFrames)
  }

  /// A question that could not be asked.
  package init(_ question: Question, failure: CogError) {
    self.init(question, status: .failed, error: failure.description)
  }

  /// A result of a run, scored.
  ///
  /// - Throws: as ``ScoringRule/verdict(_:on:)``.
  package init(_ result: RunResult, rule: ScoringRule) throws {
    let question = Question(result.item)
    let verdict = try result.reply.map { try rule.verdict($0, on: question) }
    self.init(
      question, status: result.status, answer: result.reply, ids: result.ids, correct: verdict == .right,
      unparsed: verdict == .unparsed ? true : nil, error: result.error, damagedFrames: result.damagedFrames)
  }

  private init(
    _ question: Question, status: Status, answer: String? = nil, ids: [Int] = [], correct: Bool = false,
    unparsed: Bool? = nil, error: String? = nil, damagedFrames: [VideoFrame]? = nil
  ) {
    video = question.video
    task = question.task
    self.question = question.question
    expected = question.answer
    self.status = status
    self.answer = answer
    self.ids = ids
    self.correct = correct
    self.unparsed = unparsed
    self.error = error
    self.damagedFrames = damagedFrames
  }

  /// Writes the JSON of an answer: `answer` is null where there is none, `error` is there only then,
  /// `damagedFrames` only where there are some, and `unparsed` only where it is true.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(video, forKey: .video)
    try container.encode(task, forKey: .task)
    try container.encode(question, forKey: .question)
    try container.encode(expected, forKey: .expected)
    try container.encode(status, forKey: .status)
    try container.encode(answer, forKey: .answer)
    try container.encode(ids, forKey: .ids)
    try container.encode(correct, forKey: .correct)
    try container.encodeIfPresent(unparsed, forKey: .unparsed)
    try container.encodeIfPresent(error, forKey: .error)
    try container.encodeIfPresent(damagedFrames, forKey: .damagedFrames)
  }
}
