import CogBase
package import CogCompute

/// A run over the questions of a set. What was answered is kept when the run is stopped.
package struct Evaluation {
  /// The questions.
  package let set: QuestionSet
  /// In the order of the file; nil where a question was not asked yet.
  private var answers: [EvaluatedAnswer?]

  /// A run that has asked nothing yet.
  package init(_ set: QuestionSet) {
    self.set = set
    answers = [EvaluatedAnswer?](repeating: nil, count: set.questions.count)
  }

  /// What was answered so far, scored.
  package var result: EvaluationResult {
    EvaluationResult(answers: answers.compactMap { $0 }, questions: set.questions.count)
  }

  /// Tries every video before the first question is asked: a video for which `look` throws a `CogError` has
  /// failed, with all of its questions.
  ///
  /// - Throws: the `CogError` of the first video when there is none that could be asked about; what else
  ///   `look` throws, and what the context's cancellation throws.
  package mutating func checkVideos(
    context: RunContext = RunContext(), _ look: (_ path: String) throws -> Void
  ) throws {
    let videos = set.videos
    let progress = context.progress.begin("Opening the videos", total: videos.count)
    defer { progress.finish() }
    var errors: [CogError] = []
    for video in videos {
      try context.cancellation.check()
      do { try look(set.videoPath(of: video)) } catch let error as CogError {
        fail(video, error)
        errors.append(error)
      }
      progress.advance(by: 1, video)
    }
    // Not one clip: the folder is another one.
    guard errors.count == videos.count, var error = errors.first else { return }
    if error.subject == nil { error.subject = "question 1 (\(videos[0]))" }
    throw error
  }

  /// Asks every question that has no answer yet and scores the answers.
  ///
  /// All questions of a video are asked one after another, so that what was made of the video can be kept.
  /// A `CogError` fails the questions of the video when `load` throws it, and that question when `answer`
  /// does; the others are asked.
  ///
  /// - Parameters:
  ///   - context: who may stop the work and who sees its progress.
  ///   - load: makes of a video, whose path it is given, what its questions are asked about.
  ///   - answer: asks the model a question.
  /// - Throws: what else `load` and `answer` throw, and what the context's cancellation throws. The answers
  ///   until then are in ``result``.
  package mutating func run<Video>(
    context: RunContext = RunContext(), open load: (_ path: String) throws -> Video,
    answer: (Question, Video) throws -> EvaluatedAnswer
  ) throws {
    let set = set
    let left = set.askingOrder.filter { answers[$0] == nil }
    try VideoLoop.run(left, context: context) {
      set.questions[$0].video
    } open: {
      try load(set.videoPath(of: set.questions[$0].video))
    } ask: { place, video in
      try answer(set.questions[place], video)
    } finish: { place, reply in
      switch reply {
      case .success(let answer): answers[place] = answer
      case .failure(let error): answers[place] = EvaluatedAnswer(set.questions[place], failure: error)
      }
    }
  }

  private mutating func fail(_ video: String, _ error: CogError) {
    for (place, question) in set.questions.enumerated() where question.video == video {
      answers[place] = EvaluatedAnswer(question, failure: error)
    }
  }
}
