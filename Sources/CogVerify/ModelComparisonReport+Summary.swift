extension ModelComparisonReport {
  /// An answer that the tested model alone does not give as the reference does.
  package struct Flip: Equatable, Sendable, Codable {
    /// The first position of the answer that differs, counted from 0.
    package var position: Int
    /// The reference's margin there: between its two highest logits.
    package var gap: Double
  }

  /// The questions of one task.
  package struct TaskSummary: Equatable, Sendable, Codable {
    /// The task, as the question file has it.
    package var task: String
    /// Questions that were compared.
    package var questions: Int
    /// Answers that differ.
    package var flips: Int
    /// The largest margin of the reference that was flipped; nil where no answer differs.
    package var largestFlipGap: Double?
    /// The predictions over the positions of the answers.
    package var divergence: Divergence

    /// Writes the JSON of a task; no gap is null.
    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(task, forKey: .task)
      try container.encode(questions, forKey: .questions)
      try container.encode(flips, forKey: .flips)
      try container.encode(largestFlipGap, forKey: .largestFlipGap)
      try container.encode(divergence, forKey: .divergence)
    }

    /// The tasks in the order in which they were first asked; questions without one are left out.
    static func all(_ questions: [Question]) -> [TaskSummary] {
      var order: [String] = []
      var byTask: [String: [Question]] = [:]
      for question in questions {
        guard let task = question.task else { continue }
        if byTask[task] == nil { order.append(task) }
        byTask[task, default: []].append(question)
      }
      return order.map { task in
        let asked = byTask[task] ?? []
        let gaps = asked.compactMap { $0.flip?.gap }
        return TaskSummary(
          task: task, questions: asked.count, flips: gaps.count,
          largestFlipGap: gaps.contains(where: \.isNaN) ? .nan : gaps.max(),
          divergence: Divergence(asked.flatMap(\.predictions)))
      }
    }
  }

  /// How alike the two models see all frames.
  package struct FeatureSummary: Equatable, Sendable, Codable {
    /// Frames of all videos.
    package var frames: Int
    /// Mean over the frames of their mean cosine.
    package var meanCosine: Double
    /// The least cosine of a token.
    package var leastCosine: Double
    /// The video of that token.
    package var leastVideo: String
    /// Its frame among those that were shown, counted from 0.
    package var leastFrame: Int

    /// Of some videos; nil without frames.
    package init?(_ videos: [Video]) {
      let all = videos.flatMap { video in
        video.features.enumerated().map { (video: video.video, frame: $0.offset, cosine: $0.element) }
      }
      // A frame that cannot be compared is the worst.
      func rank(_ cosine: Double) -> Double { cosine.isNaN ? -.infinity : cosine }
      let worst = all.min { rank($0.cosine.leastCosine) < rank($1.cosine.leastCosine) }
      guard let worst else { return nil }
      frames = all.count
      meanCosine = all.reduce(0) { $0 + $1.cosine.meanCosine } / Double(all.count)
      leastCosine = worst.cosine.leastCosine
      (leastVideo, leastFrame) = (worst.video, worst.frame)
    }
  }

  /// The answers that differ, those first where the reference was surest.
  package var flips: [Question] {
    func rank(_ question: Question) -> Double {
      question.flip.map { $0.gap.isNaN ? .infinity : $0.gap } ?? 0
    }
    return questions.filter { $0.flip != nil }.enumerated().sorted { a, b in
      let (first, second) = (rank(a.element), rank(b.element))
      return first == second ? a.offset < b.offset : first > second
    }.map(\.element)
  }
}

extension ModelComparisonReport.Question {
  /// What both models predicted at each position of the reference's answer.
  package var predictions: [Prediction] {
    zip(zip(klDivergences, steps), zip(logProbabilities, referenceLogProbabilities)).map { position, logs in
      Prediction(
        divergence: position.0, logProbability: logs.0, referenceLogProbability: logs.1,
        agrees: position.1.agreement == .equal)
    }
  }
}
