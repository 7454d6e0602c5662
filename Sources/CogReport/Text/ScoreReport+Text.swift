package import CogEvaluate

extension ScoreReport {
  /// The report as text: the tasks, their groups and all, with intervals of 95 % and what the model's card
  /// states, and means over the tasks.
  package var text: String {
    let first = "rule: \(rule.name) (\(rule.source))\n"
    var table = TextTable(columns)
    for task in tasks { table.add(cells(task.name, task.count, task.published)) }
    for group in groups { table.add(cells("group \(group.name)", group.count, group.published)) }
    table.add(cells("all", total, nil))
    return first + table.rendered() + "\n" + (notes + (times.map(Self.lines) ?? [])).joined(separator: "\n")
  }

  private static func lines(_ times: TimeScores) -> [String] {
    var lines: [String] = []
    let (moments, spans) = (times.moments, times.spans)
    if moments.questions > 0 {
      let within = moments.within.sorted { $0.key < $1.key }.map { "\($0.value) within \($0.key) s" }
      let error = moments.meanError.map { ", mean error \(NumberText.fixed($0, decimals: 2)) s" } ?? ""
      lines.append(
        "moments: \(moments.exact) of \(moments.questions) exact, \(within.joined(separator: ", "))\(error), "
          + "\(moments.parsed) replies with a time, \(moments.outside) beyond 24 s")
    }
    if spans.questions > 0 {
      let recall = spans.recall.sorted { $0.key < $1.key }.map { "\($0.value) at \($0.key)" }
      let mean = spans.meanOverlap.map { ", mean \(NumberText.fixed($0, decimals: 3))" } ?? ""
      lines.append(
        "spans: \(spans.hits) of \(spans.questions) hit, overlap \(recall.joined(separator: ", "))\(mean), "
          + "\(spans.parsed) replies with a time, \(spans.outside) beyond 24 s")
    }
    return lines
  }

  private var hasPublished: Bool { tasks.contains { $0.published != nil } }

  private var columns: [TextTable.Column] {
    [
      .text("task"), .number("right"), .number("questions"), .number("accuracy"), .text("95 %"),
      .number("failed"), .number("unparsed"),
    ] + (hasPublished ? [.number("published")] : [])
  }

  private func cells(_ name: String, _ count: Count, _ published: Double?) -> [String] {
    let interval = count.interval.map {
      "\(NumberText.fixed(100 * $0.low, decimals: 1)) to \(NumberText.percent($0.high))"
    }
    let cells = [
      name, "\(count.correct)", "\(count.questions)", count.accuracy.map(NumberText.percent) ?? "-",
      interval ?? "-", "\(count.failed)", "\(count.unparsed)",
    ]
    return hasPublished ? cells + [published.map(NumberText.percent) ?? ""] : cells
  }

  /// What is known of questions that have no answer; nil where all have one.
  var missingNote: String? {
    guard let missing else {
      return "whether all questions were asked is not known: the results do not say of which run they are"
    }
    return missing > 0 ? "\(missing) questions were not asked yet" : nil
  }

  private var notes: [String] {
    let present = tasks.count(where: \.isPresent)
    var notes = ["mean of \(present) tasks: \(means.present.map(NumberText.percent) ?? "-")"]
    if present < tasks.count {
      notes[0] += "; of \(tasks.count), where missing ones count 0: \(NumberText.percent(means.all))"
      notes += tasks.filter { !$0.isPresent }.map { "missing: \($0.name)" }
    }
    if let published = means.published { notes[0] += "; published: \(NumberText.percent(published))" }
    notes += missingNote.map { [$0] } ?? []
    return notes
  }
}
