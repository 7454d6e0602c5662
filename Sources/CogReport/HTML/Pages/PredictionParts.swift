import CogVerify

/// What the page of a comparison says about predictions, tasks, flips and features.
enum PredictionParts {
  /// The figures with their intervals.
  static func measures(_ report: ModelComparisonReport) -> DataTable {
    var table = DataTable(
      title: "Predictions",
      caption:
        "Over the \(report.divergence.positions) positions of the reference's answers. Intervals: "
        + PredictionMeasure.note(report) + ".",
      columns: [.text("measure"), .number("value"), .text("interval"), .text("what it is")])
    for measure in PredictionMeasure.all(report) {
      table.add([
        .text(measure.name), number(measure.value, measure.text(measure.value)),
        .text(measure.intervalText ?? "–"), .text(measure.explanation),
      ])
    }
    return table
  }

  /// The tasks of a question file.
  static func tasks(_ report: ModelComparisonReport) -> DataTable {
    var table = DataTable(
      title: "By task",
      columns: [
        .text("task"), .number("questions"), .number("positions"), .number("mean KL"),
        .number("capped mean KL"), .number("99 % KL"), .number("PPL ratio"), .number("top-1 agreement"),
        .number("flips"), .number("largest gap flipped"),
      ])
    for task in report.tasks {
      let figures = task.divergence
      table.add([
        .text(task.task), .number(Double(task.questions)), .number(Double(figures.positions)),
        .number(figures.meanKL, .scientific), .number(figures.cappedMeanKL, .scientific),
        .number(figures.percentile99KL, .scientific), .number(figures.perplexityRatio, .cosine),
        .number(figures.top1Agreement, .percent),
        .number(Double(task.flips), .plain, task.flips > 0 ? .warning : .plain),
        .number(task.largestFlipGap),
      ])
    }
    return table
  }

  /// The answers that differ.
  static func flips(_ report: ModelComparisonReport) -> DataTable {
    let flips = report.flips
    var table = DataTable(
      title: "Answers that flip",
      caption:
        "\(flips.count) of \(report.questions.count) answers are not the reference's. The gap is the "
        + "reference's margin, between its two highest logits, at the first position that differs.",
      columns: [
        .number("gap"), .prose("question"), .prose("reference"), .prose("model"), .number("position"),
        .text("task"), .text("video"),
      ])
    for question in flips {
      table.add([
        .number(question.flip?.gap), .text(question.question), .text(question.referenceAnswer),
        .text(question.answer), .number((question.flip?.position).map(Double.init)),
        .text(question.task ?? "–"), .text(question.video ?? "–"),
      ])
    }
    return table
  }

  /// The cosine of the features, video by video.
  static func features(_ report: ModelComparisonReport) -> DataTable {
    var table = DataTable(
      title: "Features",
      caption:
        "Cosine of each of a frame's tokens as they go into the language model with those of the reference.",
      columns: [
        .text("video"), .number("frames"), .number("mean cosine"), .number("least cosine"),
        .number("least in frame"),
      ])
    for video in report.videos {
      guard let summary = ModelComparisonReport.FeatureSummary([video]) else { continue }
      table.add([
        .text(video.video), .number(Double(summary.frames)), .number(summary.meanCosine, .cosine),
        .number(summary.leastCosine, .cosine), .number(Double(summary.leastFrame + 1)),
      ])
    }
    return table
  }

  private static func number(_ value: Double, _ text: String) -> DataTable.Cell {
    let cell = DataTable.Cell.number(value)
    return DataTable.Cell(text: text, key: cell.key, state: cell.state)
  }
}
