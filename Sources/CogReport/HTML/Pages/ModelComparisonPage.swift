import CogBase
package import CogVerify

/// The page of `cogvlm verify --against`.
package enum ModelComparisonPage {
  /// A page that shows all of a report.
  ///
  /// - Parameters:
  ///   - pictures: the frames of the first videos, as PNG files; of further videos none are shown.
  /// - Throws: `CogError` when the report cannot be written as JSON.
  package static func page(_ report: ModelComparisonReport, pictures: [[[UInt8]]]) throws -> Page {
    var page = try Page(
      title: "Comparison of two models", subtitle: "\(report.model) against \(report.against)",
      document: report)
    page.add(verdict(report))
    page.add(
      Facts([
        ("model", "\(report.model), \(report.computeMode.rawValue)"),
        ("reference", "\(report.against), \(report.againstComputeMode.rawValue)"),
        ("questions", "\(report.questions.count)"), ("answer positions", "\(report.divergence.positions)"),
        ("top-1 agreement", NumberStyle.percent.text(report.divergence.top1Agreement)),
        ("mean KL divergence", NumberStyle.plain.text(report.divergence.meanKL) + " nats"),
        ("99 % of positions below", NumberStyle.plain.text(report.divergence.percentile99KL) + " nats"),
        ("largest", NumberStyle.plain.text(report.divergence.maxKL) + " nats"),
      ]))
    for part in AnswerParts.tolerance(report.tolerance) { page.add(part) }
    page.add(Heading("Predictions"))
    page.add(PredictionParts.measures(report))
    if !report.tasks.isEmpty { page.add(PredictionParts.tasks(report)) }
    if !report.flips.isEmpty { page.add(PredictionParts.flips(report)) }
    if report.features != nil { page.add(PredictionParts.features(report)) }
    page.add(Heading("Layers"))
    page.add(chart(report))
    page.add(table(report))
    page.add(Heading("Bits and damage by part"))
    page.add(WeightParts.columns(report.parts))
    page.add(WeightParts.chart(report))
    page.add(WeightParts.table(report))
    page.add(Heading("Answers"))
    addAnswers(report, to: &page)
    if !pictures.isEmpty {
      page.add(Heading("Frames"))
      if report.videos.count > pictures.count {
        page.add(Paragraph("The frames of the first \(pictures.count) of \(report.videos.count) videos."))
      }
      for (video, pictures) in zip(report.videos, pictures) {
        page.add(AnswerParts.frames(video.frames, pictures: pictures, of: video.video))
      }
    }
    return page
  }

  private static func verdict(_ report: ModelComparisonReport) -> Verdict {
    let answers =
      "\(NumberStyle.percent.text(report.divergence.top1Agreement)) of "
      + "\(report.divergence.positions) tokens are chosen alike; "
      + "\(report.questions.count { $0.answer == $0.referenceAnswer }) of \(report.questions.count) "
      + "answers are the same text."
    let outliers = report.hiddenOutliers.map { tap in
      "\(tap.point.name): one prompt is beyond the limits, "
        + "accumulated \(NumberStyle.scientific.text(tap.worstRelativeL2)), "
        + "isolated \(NumberStyle.scientific.text(tap.worstIsolatedRelativeL2)): \(tap.worstPrompt)"
    }
    let broken = report.tensors.filter { $0.notFinite > 0 }.map { tensor in
      "\(tensor.name): elements that are not finite on one side only: \(tensor.notFinite)."
    }
    let missing = report.failed.map { failure in
      "\(failure.video): \(failure.question.shortened): could not be asked: \(failure.error)"
    }
    let details = [answers] + broken + outliers + missing
    if report.passed { return Verdict(.passed, "Every layer is within tolerance", details: details) }
    guard let fault = report.firstAtFault, let tap = report.taps.first(where: { $0.point == fault }) else {
      let sentence =
        report.comparedPassed
        ? "Not every question could be asked" : "An answer differs where the reference was sure"
      return Verdict(.failed, sentence, details: details)
    }
    let limit = report.tolerance.isolated(fault)
    let sentence =
      tap.isolatedPassed
      ? "Its accumulated error is \(NumberStyle.scientific.text(tap.relativeL2)); "
        + "\(NumberStyle.plain.text(report.tolerance.accumulated)) is allowed."
      : "Given the reference's input, its error is \(NumberStyle.scientific.text(tap.isolatedRelativeL2)); "
        + "\(NumberStyle.plain.text(limit)) is allowed."
    let differing = report.differingTensors(of: fault)
    let weights = differing.first.map { tensor in
      "Of its weights \(tensor.name) differs most, relative L2 "
        + "\(tensor.relativeL2.map(NumberStyle.scientific.text) ?? "unknown"). Tensors that differ: "
        + "\(differing.count) in this layer, \(report.differingTensors.count) of "
        + "\(report.tensors.count) in all."
    }
    return Verdict(
      .failed, "First layer at fault: \(fault.name)",
      details: [sentence, weights ?? "Its weights are equal to the bit."] + details)
  }

  private static func chart(_ report: ModelComparisonReport) -> LineChart {
    let points = report.taps.map { LayerPoint($0.point) }
    let fault = report.firstAtFault.flatMap { point in report.taps.firstIndex { $0.point == point } }
    var series: [ChartSeries] = [
      .init(name: "accumulated", values: report.taps.map(\.relativeL2)),
      .init(name: "isolated", values: report.taps.map(\.isolatedRelativeL2)),
    ]
    if report.questions.count > 1 {
      series.append(.init(name: "accumulated, worst prompt", values: report.taps.map(\.worstRelativeL2)))
      series.append(.init(name: "isolated, worst prompt", values: report.taps.map(\.worstIsolatedRelativeL2)))
    }
    return LineChart(
      title: "Error along the layers",
      caption:
        "Accumulated: each model ran alone. Isolated: each layer was given the other model's input, "
        + "so that only its own error shows. The errors over all prompts are held to the limits.",
      points: points, series: series,
      limits: AnswerParts.limits(report.tolerance, at: report.taps.map(\.point)),
      valueLabel: "relative L2 error, log scale",
      highlight: fault.map { ($0, "first at fault: \(report.taps[$0].point.name)") })
  }

  private static func table(_ report: ModelComparisonReport) -> DataTable {
    // Of one prompt the worst is the only one.
    let hasWorst = report.questions.count > 1
    let worst: [DataTable.Column] = [
      .number("worst isolated"), .number("worst accumulated"), .text("worst prompt"),
    ]
    var table = DataTable(
      title: "Layers",
      caption: hasWorst
        ? "Over the values of all prompts; in the columns named worst, "
          + "of the prompt where the error is largest."
        : nil,
      columns: [
        .code("tap"), .text("outcome"), .number("isolated"), .number("accumulated"), .number("max abs"),
        .number("cosine"),
      ] + (hasWorst ? worst : []) + [.number("values")])
    for tap in report.taps {
      let isFault = tap.point == report.firstAtFault
      let isFar = !(tap.relativeL2 <= report.tolerance.accumulated)
      let outcome = isFault ? "first at fault" : (tap.passed ? "passed" : "out of tolerance")
      let worst: [DataTable.Cell] = [
        .number(tap.worstIsolatedRelativeL2, .scientific), .number(tap.worstRelativeL2, .scientific),
        .text(tap.worstPrompt),
      ]
      table.add(
        [
          .text(tap.point.name), .text(outcome, tap.passed ? .passed : .failed),
          .number(tap.isolatedRelativeL2, .scientific, tap.isolatedPassed ? .plain : .failed),
          .number(tap.relativeL2, .scientific, isFar ? .failed : .plain), .number(tap.maxAbs, .scientific),
          .number(tap.cosine, .cosine),
        ] + (hasWorst ? worst : []) + [.number(Double(tap.values))], isFault: isFault)
    }
    return table
  }

  private static func addAnswers(_ report: ModelComparisonReport, to page: inout Page) {
    var table = DataTable(
      title: "Answers side by side",
      columns: [
        .prose("question"), .prose("reference"), .prose("model"), .text("outcome"),
        .number("top-1 agreement"),
        .number("mean KL"), .number("max KL"), .number("positions"), .text("video"),
      ])
    for question in report.questions {
      let isSame = question.answer == question.referenceAnswer
      let outcome = question.passed ? (isSame ? "same" : "differs within error") : "mismatch"
      table.add(
        [
          .text(question.question), .text(question.referenceAnswer), .text(question.answer),
          .text(outcome, question.passed ? (isSame ? .passed : .warning) : .failed),
          .number(question.divergence.top1Agreement, .percent), .number(question.divergence.meanKL),
          .number(question.divergence.maxKL), .number(Double(question.divergence.positions)),
          .text(question.video ?? "–"),
        ], isFault: !question.passed)
    }
    page.add(table)
    // The strips that have something to say; a question alone always has its strip.
    let shown =
      report.questions.count == 1
      ? report.questions
      : report.questions.filter { question in
        question.steps.contains { $0.agreement != .equal }
      }
    if shown.isEmpty {
      page.add(Paragraph("In all \(report.questions.count) answers every token is chosen alike."))
    } else if report.questions.count > 1 {
      let cut = shown.count > mostStrips ? ", the first \(mostStrips) of \(shown.count)" : ""
      page.add(Paragraph("Below, token by token, the answers in which one differs\(cut)."))
    }
    for question in shown.prefix(mostStrips) {
      let title = question.video.map { $0.lastPathName + ": " } ?? ""
      page.add(
        AnswerParts.tokens(
          question.steps, title: title + question.question, logitError: question.logitError,
          divergences: question.klDivergences))
    }
  }

  /// Answers that are shown token by token at most.
  private static let mostStrips = 30
}
