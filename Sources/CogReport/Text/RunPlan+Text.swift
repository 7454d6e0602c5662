package import CogEvaluate

extension RunPlan {
  /// The plan as text: items and hours of each shard, and of all.
  package var text: String {
    var table = TextTable([
      .text("shard"), .number("items"), .number("finished"), .number("left"), .number("hours"),
    ])
    for row in rows {
      table.add(cells(row.shard.description, [row]))
    }
    if rows.count > 1 { table.add(cells("all", rows)) }
    return table.rendered()
  }

  /// Hours are unknown, a dash, as long as nothing was measured.
  private func cells(_ name: String, _ rows: [Row]) -> [String] {
    let seconds = rows.compactMap(\.seconds)
    let hours = seconds.count == rows.count ? NumberText.fixed(seconds.reduce(0, +) / 3600, decimals: 2) : "-"
    return [
      name, "\(rows.reduce(0) { $0 + $1.items })", "\(rows.reduce(0) { $0 + $1.finished })",
      "\(rows.reduce(0) { $0 + $1.left })", hours,
    ]
  }
}
