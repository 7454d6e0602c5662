package import CogEvaluate

/// The page of `cogvlm score`.
package enum ScorePage {
  /// The frames of a clip that was answered wrongly.
  package struct Clip: Sendable {
    /// The place of its answer in the report.
    package let place: Int
    /// The frames.
    package let pictures: [ImageStrip.Picture]

    /// Frames of the clip of an answer.
    package init(place: Int, pictures: [ImageStrip.Picture]) {
      (self.place, self.pictures) = (place, pictures)
    }
  }

  /// Clips that are shown at most.
  package static let mostClips = 12
  /// Answers that are listed at most: a page of more cannot be opened.
  private static let mostAnswers = 5000

  /// A page that shows all of a report.
  ///
  /// - Parameters:
  ///   - path: where the run is.
  ///   - clips: frames of clips, as far as the videos are at hand.
  /// - Throws: `CogError` when the report cannot be written as JSON.
  package static func page(_ report: ScoreReport, path: String, clips: [Clip]) throws -> Page {
    var page = try Page(title: "Score", subtitle: path, document: report)
    page.add(verdict(report))
    page.add(facts(report))
    if !report.groups.isEmpty {
      page.add(Heading("Groups"))
      page.add(chart("Right answers by group", report.groups))
    }
    page.add(Heading("Tasks"))
    page.add(chart("Right answers by task", report.tasks))
    page.add(table(report))
    if !clips.isEmpty {
      page.add(Heading("Clips that were answered wrongly"))
      for clip in clips { page.add(strip(report, clip)) }
    }
    page.add(Heading("Answers"))
    page.add(answers(report))
    return page
  }

  private static func verdict(_ report: ScoreReport) -> Verdict {
    let share = report.total.accuracy.map(NumberText.percent) ?? "–"
    let interval = report.total.interval.map { interval in
      " (95 %: \(NumberText.fixed(100 * interval.low, decimals: 1)) to \(NumberText.percent(interval.high)))"
    }
    var details = [
      "\(report.total.correct) of \(report.total.questions) answers are right under the rule "
        + "\(report.rule.name): \(report.rule.source)."
    ]
    if report.total.failed > 0 {
      details.append("\(report.total.failed) could not be asked, and count as wrong.")
    }
    if report.total.unparsed > 0 {
      details.append("In \(report.total.unparsed) replies the rule finds no answer; they count as wrong.")
    }
    if let note = report.missingNote { details.append(note.prefix(1).uppercased() + note.dropFirst() + ".") }
    details += report.tasks.filter { !$0.isPresent }.map { "Missing: \($0.name)." }
    let isWhole = report.missing == 0 && report.total.failed == 0 && report.tasks.allSatisfy(\.isPresent)
    return Verdict(isWhole ? .passed : .warning, share + (interval ?? ""), details: details)
  }

  private static func facts(_ report: ScoreReport) -> Facts {
    let present = report.tasks.count(where: \.isPresent)
    var facts = [
      ("rule", report.rule.name), ("whose", report.rule.source),
      ("mean of \(present) tasks", report.means.present.map(NumberText.percent) ?? "–"),
    ]
    if present < report.tasks.count {
      facts.append(("mean of \(report.tasks.count), missing ones 0", NumberText.percent(report.means.all)))
    }
    if let published = report.means.published { facts.append(("published", NumberText.percent(published))) }
    return Facts(facts)
  }

  private static func chart(_ title: String, _ rows: [ScoreReport.Row]) -> BarChart {
    var series = [ChartSeries(name: "this run", values: rows.map(\.count.accuracy))]
    if rows.contains(where: { $0.published != nil }) {
      series.append(ChartSeries(name: "published", values: rows.map(\.published)))
    }
    return BarChart(
      title: title, caption: "The lines are what a share may be by chance: 95 % intervals of Wilson.",
      categories: rows.map(\.name), series: series,
      ranges: rows.map { row in row.count.interval.map { $0.low...$0.high } },
      valueLabel: "share of right answers", style: .percent)
  }

  private static func table(_ report: ScoreReport) -> DataTable {
    var table = DataTable(
      title: "Tasks",
      columns: [
        .text("task"), .text("group"), .number("right"), .number("questions"), .number("share"),
        .number("from"), .number("to"), .number("failed"), .number("unparsed"), .number("published"),
      ])
    for row in report.tasks {
      let count = row.count
      table.add(
        [
          .text(row.name), .text(row.group ?? ""), .number(Double(count.correct)),
          .number(Double(count.questions)), .number(count.accuracy, .percent),
          .number(count.interval?.low, .percent), .number(count.interval?.high, .percent),
          .number(Double(count.failed)), .number(Double(count.unparsed)), .number(row.published, .percent),
        ], isFault: !row.isPresent)
    }
    return table
  }

  private static func strip(_ report: ScoreReport, _ clip: Clip) -> ImageStrip {
    let answer = report.result.answers[clip.place]
    return ImageStrip(
      title: answer.video,
      caption: "\(answer.question) It is “\(answer.expected)”; the model said “\(answer.answer ?? "")”.",
      pictures: clip.pictures)
  }

  /// What is not right first, in the order of the list.
  private static func answers(_ report: ScoreReport) -> DataTable {
    let all = report.result.answers
    let sorted = all.filter { !$0.correct } + all.filter(\.correct)
    var table = DataTable(
      title: "Answers",
      caption: all.count > mostAnswers
        ? "The first \(mostAnswers) of \(all.count), wrong ones first." : "Wrong ones first.",
      columns: [
        .text(""), .text("task"), .code("video"), .prose("question"), .prose("true answer"), .prose("reply"),
      ])
    for answer in sorted.prefix(mostAnswers) {
      let (word, state): (String, DataTable.State) =
        answer.correct
        ? ("right", .passed)
        : answer.status == .failed
          ? ("failed", .failed)
          : (answer.unparsed == true ? "unparsed" : "wrong", .warning)
      table.add([
        .text(word, state), .text(answer.task), .text(answer.video), .text(answer.question),
        .text(answer.expected), .text(answer.answer ?? answer.error ?? ""),
      ])
    }
    return table
  }
}
