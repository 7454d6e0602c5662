import Foundation

extension ModelComparisonReport {
  /// The report as text: a table of taps, the predictions, the answers side by side, and the verdict.
  package var text: String {
    ([header, tapTable, partTable, "  all answers: \(divergence.text)"] + questions.map(\.text) + notes)
      .joined(separator: "\n") + "\n\n" + (passed ? "PASSED" : "FAILED") + "  \(model)"
  }

  private var header: String {
    "\(model) (\(computeMode)) against \(against) (\(againstComputeMode)); \(tolerance.summary)"
  }

  /// The taps whose errors over all prompts are within tolerance, while one prompt's is not.
  package var hiddenOutliers: [Tap] {
    taps.filter { tap in
      let limit = tolerance.isolated(ofTap: tap.name)
      return tap.passed
        && !(tap.worstRelativeL2 <= tolerance.accumulated && tap.worstIsolatedRelativeL2 <= limit)
    }
  }

  private var notes: [String] {
    let outliers = hiddenOutliers.map { tap in
      "  \(tap.name): one prompt is beyond the limits, "
        + "accumulated \(scientific(tap.worstRelativeL2)), "
        + "isolated \(scientific(tap.worstIsolatedRelativeL2)): \(tap.worstPrompt.debugDescription)"
    }
    let broken = tensors.filter { $0.notFinite > 0 }.map { tensor in
      "  \(tensor.name): elements that are not finite on one side only: \(tensor.notFinite)"
    }
    return outliers + broken + (firstAtFault.map { ["  first at fault: \($0)"] } ?? [])
  }

  private var partTable: String {
    func line(_ columns: [String]) -> String {
      "  " + columns.dropLast().map { $0.padded(to: 11) }.joined(separator: "  ") + "  "
        + (columns.last ?? "")
    }
    let rows = parts.map { part in
      line([
        part.part, String(format: "%.2f", part.bitsPerWeight),
        String(format: "%.2f", part.againstBitsPerWeight),
        scientific(part.weightRelativeL2), part.isolatedRelativeL2.map(scientific) ?? "-",
        part.relativeL2.map(scientific) ?? "-",
      ])
    }
    let equal = tensors.count(where: \.isIdentical)
    let title = line(["part", "bits/weight", "reference", "weights", "isolated", "accumulated"])
    return ([title] + rows + ["  tensors: \(equal) of \(tensors.count) equal to the bit"]).joined(
      separator: "\n")
  }

  private var tapTable: String {
    // Of one prompt the worst is the only one.
    let hasWorst = questions.count > 1
    let width = taps.map(\.name.count).max() ?? 0
    func line(_ name: String, _ numbers: [String], _ last: String, _ verdict: String = "") -> String {
      "  " + name.padded(to: width) + "  " + numbers.map { $0.padded(to: 11) }.joined(separator: "  ") + "  "
        + last
        + verdict
    }
    let titles = ["isolated", "accumulated"] + (hasWorst ? ["worst iso.", "worst acc."] : []) + ["max abs"]
    let rows = taps.map { tap in
      let worst = hasWorst ? [tap.worstIsolatedRelativeL2, tap.worstRelativeL2] : []
      let numbers = [tap.isolatedRelativeL2, tap.relativeL2] + worst + [tap.maxAbs]
      return line(
        tap.name, numbers.map(scientific), fixed(tap.cosine), tap.passed ? "" : "  OUT OF TOLERANCE")
    }
    return ([line("tap", titles, "cosine")] + rows).joined(separator: "\n")
  }
}

extension ModelComparisonReport.Question {
  /// The question with the predictions, and the answers below it.
  fileprivate var text: String {
    let title = "  \(video.map { "\($0): " } ?? "")\(question.debugDescription): \(divergence.text)"
    let verdict = passed ? "" : "  MISMATCH"
    if answer == referenceAnswer { return "\(title)\n    both: \(answer.debugDescription)\(verdict)" }
    return
      "\(title)\n    reference: \(referenceAnswer.debugDescription)\n"
      + "    this:      \(answer.debugDescription)\(verdict)"
  }
}

extension Divergence {
  /// The figures in one line.
  var text: String {
    "\(positions) positions, top-1 agreement \(String(format: "%.1f", 100 * top1Agreement)) %, "
      + "KL divergence mean \(scientific(meanKL)), 99 % \(scientific(percentile99KL)), "
      + "max \(scientific(maxKL)) nats"
  }
}
