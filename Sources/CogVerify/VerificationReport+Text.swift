extension VerificationReport {
  /// The report as text: a table of taps for each reference, the answer, and the verdict.
  package var text: String {
    references.map(\.text).joined(separator: "\n\n") + "\n\n" + (passed ? "PASSED" : "FAILED") + "  \(model)"
  }
}

extension ReferenceResult {
  var text: String {
    var lines = [
      "\(file)  (\(computeMode); \(tolerance.summary))"
    ]
    let width = taps.map(\.name.count).max() ?? 0
    lines.append(
      "  " + "tap".padded(to: width) + "  " + "isolated".padded(to: 10) + "  " + "accumulated".padded(to: 11)
        + "  "
        + "max abs".padded(to: 9) + "  cosine")
    lines += taps.map { $0.line(nameWidth: width) }
    if let promptMatches {
      lines.append("  prompt: ids, types and positions " + (promptMatches ? "equal" : "DIFFER"))
    }
    if let answer {
      let equal = zip(answer.ids, answer.referenceIds).count { $0 == $1 }
      lines.append(
        "  answer: \(equal) of \(answer.comparedTokens) tokens equal, "
          + (answer.passed ? "passed" : "FAILED")
          + ": \(answer.text.debugDescription)")
    }
    if let firstAtFault { lines.append("  first at fault: \(firstAtFault)") }
    lines.append("  " + (passed ? "passed" : "FAILED"))
    return lines.joined(separator: "\n")
  }
}

extension TapResult {
  fileprivate func line(nameWidth: Int) -> String {
    let isolated = isolatedRelativeL2.map(scientific) ?? "-"
    return "  " + name.padded(to: nameWidth) + "  " + isolated.padded(to: 10) + "  "
      + scientific(relativeL2).padded(to: 11) + "  " + scientific(maxAbs).padded(to: 9) + "  " + fixed(cosine)
      + (passed ? "" : "  OUT OF TOLERANCE")
  }
}

extension String {
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
