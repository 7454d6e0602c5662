import CogBase

/// A run's results under a rule: what `score --json` prints. It has all of the document of `eval --json`.
package struct ScoreReport: Sendable {
  /// What became of the questions of a task, of a group of tasks, or of all.
  package struct Count: Equatable, Sendable, Encodable {
    /// Those that were asked, or could not be.
    package private(set) var questions = 0
    /// Right answers.
    package private(set) var correct = 0
    /// Those that could not be asked.
    package private(set) var failed = 0
    /// Replies in which the rule finds no answer.
    package private(set) var unparsed = 0

    init(_ answers: some Sequence<EvaluatedAnswer>) {
      for answer in answers {
        questions += 1
        correct += answer.correct ? 1 : 0
        failed += answer.status == .failed ? 1 : 0
        unparsed += answer.unparsed == true ? 1 : 0
      }
    }

    /// The share of right answers; what failed or has no answer counts as wrong. Nil where nothing was asked.
    package var accuracy: Double? { questions > 0 ? Double(correct) / Double(questions) : nil }
    /// What the share may be by chance; nil where nothing was asked.
    package var interval: WilsonInterval? { WilsonInterval(correct, of: questions) }
  }

  /// A task or a group of tasks.
  package struct Row: Equatable, Sendable {
    /// Its name.
    package let name: String
    /// The group of a task; nil where there are no groups, and for groups.
    package let group: String?
    /// What became of its questions.
    package let count: Count
    /// What the model's card states, from 0 to 1; nil where it states nothing.
    package let published: Double?

    /// Whether any of its questions was answered: where none was, the clips are not there.
    package var isPresent: Bool { count.questions > count.failed }
  }

  /// Means over tasks, each task counting the same.
  package struct Means: Equatable, Sendable, Encodable {
    /// Over the tasks that are there.
    package let present: Double?
    /// Over all tasks of the benchmark, where those that are missing count 0.
    package let all: Double
    /// The mean that the model's card states; nil where it states none.
    package let published: Double?
  }

  /// The rule.
  package let rule: ScoringRule
  /// The document of `eval`.
  package let result: EvaluationResult
  /// Questions of the list that were not asked yet; nil where that is not known.
  package let missing: Int?
  /// All questions.
  package let total: Count
  /// The tasks: those of the benchmark in its order, missing ones too, or else by name.
  package let tasks: [Row]
  /// The groups of tasks; empty where there are none.
  package let groups: [Row]
  /// Means over the tasks.
  package let means: Means
  /// How well times are named; nil where they are not what is asked for.
  package let times: TimeScores?

  /// Scores results.
  ///
  /// - Parameter rule: nil takes the benchmark's own.
  /// - Throws: `CogError` when they have no true answers; as ``ScoringRule/verdict(_:on:)``.
  package init(_ run: RunResults, rule: ScoringRule? = nil) throws {
    let benchmark = run.benchmark
    let rule = rule ?? benchmark.rule
    if let item = run.results.first(where: { $0.item.answer == nil })?.item {
      throw CogError(
        "the run has no true answers to score with", file: run.path, subject: item.key,
        expected: "an answer", found: item.summary)
    }
    let answers = try naming(file: run.path) {
      try run.results.map { try EvaluatedAnswer($0, rule: rule) }
    }
    let byTask = Dictionary(grouping: answers, by: \.task)
    // Stated scores are those of one rule.
    let isStated = rule.name == benchmark.rule.name
    let known = benchmark.tasks.map(\.name)
    let others = byTask.keys.filter { !known.contains($0) }.sorted()
    let tasks =
      benchmark.tasks.map {
        Row(
          name: $0.name, group: $0.group, count: Count(byTask[$0.name] ?? []),
          published: isStated ? $0.published : nil)
      } + others.map { Row(name: $0, group: nil, count: Count(byTask[$0] ?? []), published: nil) }
    (self.rule, self.tasks, missing, total) = (rule, tasks, run.missing, Count(answers))
    times = benchmark.name == Benchmark.tqa.name ? TimeScores(answers) : nil
    result = EvaluationResult(answers: answers, questions: answers.count + (run.missing ?? 0))
    var names: [String] = []
    for task in benchmark.tasks where !names.contains(task.group) { names.append(task.group) }
    groups = names.map { name in
      let own = tasks.filter { $0.group == name }
      return Row(
        name: name, group: nil, count: Count(own.flatMap { byTask[$0.name] ?? [] }),
        published: Self.mean(own.compactMap(\.published)))
    }
    let present = tasks.filter(\.isPresent).compactMap(\.count.accuracy)
    means = Means(
      present: Self.mean(present), all: present.reduce(0, +) / Double(max(1, tasks.count)),
      published: isStated ? benchmark.published : nil)
  }

  private static func mean(_ shares: [Double]) -> Double? {
    shares.isEmpty ? nil : shares.reduce(0, +) / Double(shares.count)
  }
}

extension RunResults {
  /// The benchmark that the items are from: the toolkit's own questions where it is another's.
  package var benchmark: Benchmark {
    results.first.flatMap { Benchmark(named: $0.item.dataset) } ?? .questions
  }
}

extension ScoreReport: Encodable {
  private enum CodingKeys: String, CodingKey {
    case rule, source, intervals, tasks, groups, means, unparsed, missing, times
  }

  private struct Intervals: Encodable {
    let overall: WilsonInterval?
    let byTask: [String: WilsonInterval]
  }

  /// Writes the keys of `eval --json` and those of the score.
  package func encode(to encoder: any Encoder) throws {
    try result.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(rule.name, forKey: .rule)
    try container.encode(rule.source, forKey: .source)
    let byTask = tasks.compactMap { row in row.count.interval.map { (row.name, $0) } }
    try container.encode(
      Intervals(overall: total.interval, byTask: Dictionary(byTask) { first, _ in first }),
      forKey: .intervals)
    try container.encode(tasks, forKey: .tasks)
    try container.encode(groups, forKey: .groups)
    try container.encode(means, forKey: .means)
    try container.encode(total.unparsed, forKey: .unparsed)
    try container.encode(missing, forKey: .missing)
    try container.encodeIfPresent(times, forKey: .times)
  }
}

extension ScoreReport.Row: Encodable {
  private enum CodingKeys: String, CodingKey { case name, group, accuracy, interval, published, present }

  /// Writes the counts beside the name; what is not known is null.
  package func encode(to encoder: any Encoder) throws {
    try count.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(group, forKey: .group)
    try container.encode(count.accuracy, forKey: .accuracy)
    try container.encode(count.interval, forKey: .interval)
    try container.encode(published, forKey: .published)
    try container.encode(isPresent, forKey: .present)
  }
}

extension ScoreReport.Means {
  private enum CodingKeys: String, CodingKey { case present, all, published }

  /// Writes what is not known as null.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(present, forKey: .present)
    try container.encode(all, forKey: .all)
    try container.encode(published, forKey: .published)
  }
}
