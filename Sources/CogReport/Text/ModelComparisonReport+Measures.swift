import CogVerify

extension ModelComparisonReport {
  /// Flips that are listed at most.
  private static let mostFlips = 20

  /// The figures of the predictions with their intervals, the tasks, the features and the answers that flip.
  var measureLines: [String] {
    [measureTable] + (tasks.isEmpty ? [] : [taskTable]) + featureLine + flipLines
  }

  private var measureTable: String {
    var table = TextTable(
      [.text("predictions"), .text("value"), .text(PredictionMeasure.note(self))], indentation: 2)
    for measure in PredictionMeasure.all(self) {
      table.add([measure.name, measure.text(measure.value), measure.intervalText ?? ""])
    }
    return table.rendered()
  }

  private var taskTable: String {
    var table = TextTable(
      [
        .text("task"), .number("questions"), .number("positions"), .number("mean KL"), .number("99 % KL"),
        .number("top-1"), .number("flips"), .number("largest gap"),
      ], indentation: 2)
    for task in tasks {
      let figures = task.divergence
      table.add([
        task.task, "\(task.questions)", "\(figures.positions)", NumberText.scientific(figures.meanKL),
        NumberText.scientific(figures.percentile99KL), NumberText.percent(figures.top1Agreement),
        "\(task.flips)", task.largestFlipGap.map { NumberText.general($0) } ?? "-",
      ])
    }
    return table.rendered()
  }

  private var featureLine: [String] {
    guard let features else { return [] }
    let cosines = [features.meanCosine, features.leastCosine].map { NumberText.fixed($0, decimals: 6) }
    return [
      "  features: cosine mean \(cosines[0]), least \(cosines[1]), over \(features.frames) frames; least in "
        + "frame \(features.leastFrame + 1) of \(features.leastVideo.printable)"
    ]
  }

  private var flipLines: [String] {
    let flips = flips
    guard !flips.isEmpty else { return ["  flips: none of \(questions.count) answers differs"] }
    let cut = flips.count > Self.mostFlips ? ", those of the largest gaps first" : ""
    let title = "  flips: \(flips.count) of \(questions.count) answers differ\(cut)"
    return [title]
      + flips.prefix(Self.mostFlips).map { question in
        let video = question.video.map { "\($0.printable): " } ?? ""
        return "    gap \(NumberText.general(question.flip?.gap ?? .nan)): \(video)"
          + "\(question.question.debugDescription): \(question.referenceAnswer.debugDescription) to "
          + question.answer.debugDescription
      }
  }
}
