package import CogVerify

extension ModelComparisonReport {
  /// The report as text: a table of taps, the predictions, the answers side by side, and the verdict.
  package var text: String {
    ([header, tapTable, partTable, tensorLine, "  all answers: \(divergence.text)"]
      + measureLines + questions.map(\.text) + notes)
      .joined(separator: "\n") + "\n\n" + (passed ? "PASSED" : "FAILED") + "  \(model.printable)"
  }

  private var header: String {
    "\(model.printable) (\(computeMode.rawValue)) against "
      + "\(against.printable) (\(againstComputeMode.rawValue)); " + tolerance.summary
  }

  private var notes: [String] {
    let outliers = hiddenOutliers.map { tap in
      let accumulated = NumberText.scientific(tap.worstRelativeL2)
      let isolated = NumberText.scientific(tap.worstIsolatedRelativeL2)
      return "  \(tap.point.name): one prompt is beyond the limits, "
        + "accumulated \(accumulated), isolated \(isolated): \(tap.worstPrompt.debugDescription)"
    }
    let broken = tensors.filter { $0.notFinite > 0 }.map { tensor in
      "  \(tensor.name): elements that are not finite on one side only: \(tensor.notFinite)"
    }
    let missing = failed.map { failure in
      "  \(failure.video): \(failure.question.shortened.debugDescription): could not be asked: "
        + failure.error
    }
    return outliers + broken + missing + (firstAtFault.map { ["  first at fault: \($0.name)"] } ?? [])
  }

  private var tensorLine: String {
    "  tensors: \(tensors.count(where: \.isIdentical)) of \(tensors.count) equal to the bit"
  }

  private var partTable: String {
    var table = TextTable(
      ["part", "bits/weight", "reference", "weights", "isolated"].map { .text($0, minimumWidth: 11) }
        + [.text("accumulated")], indentation: 2)
    for part in parts {
      let bits = [part.bitsPerWeight, part.againstBitsPerWeight].map { NumberText.fixed($0, decimals: 2) }
      let errors = [part.weightRelativeL2, part.isolatedRelativeL2, part.relativeL2].map { error in
        error.map { NumberText.scientific($0) } ?? "-"
      }
      table.add([part.part.rawValue] + bits + errors)
    }
    return table.rendered()
  }

  private var tapTable: String {
    // Of one prompt the worst is the only one.
    let hasWorst = questions.count > 1
    let titles = ["isolated", "accumulated"] + (hasWorst ? ["worst iso.", "worst acc."] : []) + ["max abs"]
    var table = TextTable(
      [.text("tap")] + titles.map { .text($0, minimumWidth: 11) } + [.text("cosine")], indentation: 2)
    for tap in taps {
      let worst = hasWorst ? [tap.worstIsolatedRelativeL2, tap.worstRelativeL2] : []
      let numbers = [tap.isolatedRelativeL2, tap.relativeL2] + worst + [tap.maxAbs]
      table.add(
        [tap.point.name] + numbers.map { NumberText.scientific($0) }
          + [TapVerdict.text(cosine: tap.cosine, passed: tap.passed)])
    }
    return table.rendered()
  }
}

extension ModelComparisonReport.Question {
  /// The question with the predictions, and the answers below it.
  fileprivate var text: String {
    let title = "  \(video.map { "\($0): " } ?? "")\(question.debugDescription): \(divergence.text)"
    let verdict = passed ? "" : "  MISMATCH"
    if answer == referenceAnswer { return "\(title)\n    both: \(answer.debugDescription)\(verdict)" }
    return "\(title)\n    reference: \(referenceAnswer.debugDescription)\n"
      + "    this:      \(answer.debugDescription)\(verdict)"
  }
}

extension Divergence {
  /// The figures in one line.
  fileprivate var text: String {
    let figures = [("mean", meanKL), ("99 %", percentile99KL), ("max", maxKL)].map { name, value in
      "\(name) \(NumberText.scientific(value))"
    }
    return "\(positions) positions, top-1 agreement \(NumberText.percent(top1Agreement)), KL divergence "
      + "\(figures.joined(separator: ", ")) nats"
  }
}
