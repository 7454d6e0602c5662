package import CogMedia

/// A kind of question list that the toolkit knows, with what is known of its tasks.
package struct Benchmark: Sendable {
  /// A task of a benchmark whose tasks are fixed.
  package struct Task: Equatable, Sendable {
    /// As the benchmark spells it.
    package let name: String
    /// What it belongs to.
    package let group: String
    /// The share of right answers that the model's card states, 0 to 1; nil where it states none.
    package let published: Double?
  }

  /// What the command line and the items of runs call it.
  package let name: String
  /// The rule that scores it where none is named.
  package let rule: ScoringRule
  /// The frames that are shown where no rule is named; nil shows the template's.
  package let frames: FrameSampling?
  /// The words around a question where none are named.
  package let profile: String
  /// The most tokens of a reply where nothing else is said.
  package let maxNewTokens: Int
  /// Its tasks in order; empty where every list has its own.
  package let tasks: [Task]
  /// The mean over the tasks that the model's card states.
  package let published: Double?
  /// Reads its files, given their path and the folder of the clips, if one is named.
  package let open: @Sendable (_ path: String, _ videoFolder: String?) throws -> BenchmarkQuestions

  /// A benchmark.
  init(
    name: String, rule: ScoringRule, frames: FrameSampling? = nil, profile: String = "plain",
    maxNewTokens: Int = 24, tasks: [Task] = [], published: Double? = nil,
    open: @escaping @Sendable (_ path: String, _ videoFolder: String?) throws -> BenchmarkQuestions
  ) {
    (self.name, self.rule, self.frames, self.profile) = (name, rule, frames, profile)
    (self.maxNewTokens, self.tasks, self.published, self.open) = (maxNewTokens, tasks, published, open)
  }

  /// Question files of the toolkit's own form.
  package static let questions = Benchmark(
    name: "questions", rule: .plain,
    open: { BenchmarkQuestions(try QuestionSet(path: $0, videoFolder: $1), file: $0) })

  /// All of them.
  package static let all: [Benchmark] = [.questions, .mvbench, .videoQA, .vcg, .tqa]

  /// The benchmark of a name; nil where there is none.
  package init?(named name: String) {
    guard let benchmark = Self.all.first(where: { $0.name == name }) else { return nil }
    self = benchmark
  }
}
