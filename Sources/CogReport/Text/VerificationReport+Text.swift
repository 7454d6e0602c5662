package import CogVerify

extension VerificationReport {
  /// The report as text: a table of taps for each reference, the answer, what could not be compared, and the
  /// verdict.
  package var text: String {
    (references.map(\.text) + failed.map { "not compared: \($0.error)" }).joined(separator: "\n\n") + "\n\n"
      + (passed ? "PASSED" : "FAILED") + "  \(model.printable)"
  }
}

extension ReferenceResult {
  fileprivate var text: String {
    var lines = ["\(file.printable)  (\(computeMode.rawValue); \(tolerance.summary))", tapTable]
    if let promptMatches {
      lines.append("  prompt: ids, types and positions " + (promptMatches ? "equal" : "DIFFER"))
    }
    if let answer {
      let equal = zip(answer.ids, answer.referenceIds).count { $0 == $1 }
      lines.append(
        "  answer: \(equal) of \(answer.comparedTokens) tokens equal, "
          + (answer.passed ? "passed" : "FAILED") + ": \(answer.text.debugDescription)")
    }
    if let firstAtFault { lines.append("  first at fault: \(firstAtFault.name)") }
    lines.append("  " + (passed ? "passed" : "FAILED"))
    return lines.joined(separator: "\n")
  }

  private var tapTable: String {
    var table = TextTable(
      [
        .text("tap"), .text("isolated", minimumWidth: 10), .text("accumulated"),
        .text("max abs", minimumWidth: 9), .text("cosine"),
      ], indentation: 2)
    for tap in taps {
      let numbers = [tap.isolatedRelativeL2, tap.relativeL2, tap.maxAbs].map { value in
        value.map { NumberText.scientific($0) } ?? "-"
      }
      table.add([tap.point.name] + numbers + [TapVerdict.text(cosine: tap.cosine, passed: tap.passed)])
    }
    return table.rendered()
  }
}

/// The end of a tap's line.
enum TapVerdict {
  /// The cosine, and what is wrong where the tap did not pass.
  static func text(cosine: Double, passed: Bool) -> String {
    NumberText.fixed(cosine, decimals: 6) + (passed ? "" : "  OUT OF TOLERANCE")
  }
}
