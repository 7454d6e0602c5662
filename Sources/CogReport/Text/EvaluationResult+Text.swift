package import CogEvaluate

extension EvaluationResult {
  /// The result as text: the right answers of each task and of all.
  package var text: String {
    var table = TextTable([.text("task"), .number("right"), .number("questions"), .number("accuracy")])
    for task in accuracy.byTask.keys.sorted() {
      table.add(Self.row(task, answers.filter { $0.task == task }))
    }
    table.add(Self.row("all", answers))
    return table.rendered()
  }

  private static func row(_ name: String, _ answers: [Answer]) -> [String] {
    let right = answers.count(where: \.correct)
    let share = Double(right) / Double(max(answers.count, 1))
    return [name, "\(right)", "\(answers.count)", NumberText.percent(share)]
  }
}
