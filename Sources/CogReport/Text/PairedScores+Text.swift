import CogBase
package import CogEvaluate

extension PairedScores {
  /// Most answers that are listed.
  private static let mostFlips = 20

  /// The comparison as text: counts of each task and of all, how likely that is by chance, and the answers
  /// that only one of the runs has right.
  package var text: String {
    var table = TextTable([
      .text("task"), .number("questions"), .number("both right"), .number("only first"),
      .number("only second"), .number("both wrong"), .number("p"),
    ])
    for (task, count) in byTask.sorted(by: { $0.key < $1.key }) { table.add(cells(task, count)) }
    table.add(cells("all", total))
    var lines = ["rule: \(rule)", "first: \(runs[0])", "second: \(runs[1])"].map(\.printable)
    lines.append(table.rendered())
    for flip in flips.prefix(Self.mostFlips) {
      let said = [flip.first, flip.second].map { $0 ?? "(failed)" }
      lines.append(
        ("only the \(flip.right) is right: \(flip.video): \(flip.question) \(flip.expected): "
          + said.joined(separator: " / "))
          .printable)
    }
    if flips.count > Self.mostFlips { lines.append("and \(flips.count - Self.mostFlips) more") }
    if unpaired > 0 { lines.append("\(unpaired) questions are in one of the runs alone") }
    return lines.joined(separator: "\n")
  }

  private func cells(_ name: String, _ count: Count) -> [String] {
    [
      name, "\(count.questions)", "\(count.bothRight)", "\(count.onlyFirst)", "\(count.onlySecond)",
      "\(count.bothWrong)", NumberText.general(count.probability, digits: 3),
    ]
  }
}
