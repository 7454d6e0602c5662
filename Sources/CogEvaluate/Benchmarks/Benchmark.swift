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
  /// Its tasks in order; empty where every list has its own.
  package let tasks: [Task]
  /// The mean over the tasks that the model's card states.
  package let published: Double?

  /// A benchmark.
  init(name: String, rule: ScoringRule, tasks: [Task] = [], published: Double? = nil) {
    (self.name, self.rule, self.tasks, self.published) = (name, rule, tasks, published)
  }

  /// Question files of the toolkit's own form.
  package static let questions = Benchmark(name: "questions", rule: .plain)

  /// All of them.
  package static let all: [Benchmark] = [.questions, .mvbench]

  /// The benchmark of a name; nil where there is none.
  package init?(named name: String) {
    guard let benchmark = Self.all.first(where: { $0.name == name }) else { return nil }
    self = benchmark
  }
}
