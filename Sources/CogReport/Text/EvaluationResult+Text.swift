package import CogEvaluate

extension EvaluationResult {
  /// The result as text: the right answers of each task and of all, and where there are some, the questions
  /// that could not be asked or were not reached.
  package var text: String {
    var columns: [TextTable.Column] = [
      .text("task"), .number("right"), .number("questions"), .number("accuracy"),
    ]
    if failed > 0 { columns.append(.number("failed")) }
    var table = TextTable(columns)
    for task in accuracy.byTask.keys.sorted() {
      table.add(row(task, answers.filter { $0.task == task }))
    }
    table.add(row("all", answers))
    guard answers.count < questions else { return table.rendered() }
    return table.rendered() + "\n\(answers.count) of \(questions) questions were asked"
  }

  private func row(_ name: String, _ answers: [EvaluatedAnswer]) -> [String] {
    let right = answers.count(where: \.correct)
    let share = Double(right) / Double(max(answers.count, 1))
    let cells = [name, "\(right)", "\(answers.count)", NumberText.percent(share)]
    return failed > 0 ? cells + ["\(answers.count { $0.status == .failed })"] : cells
  }
}
