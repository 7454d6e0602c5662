import CogBase
package import CogVerify

/// The page of `cogvlm verify --reference`.
package enum VerificationPage {
  /// A page that shows all of a report.
  ///
  /// - Parameters:
  ///   - pictures: for each reference the frames that the model saw, as PNG files; empty where there are
  ///     none.
  /// - Throws: `CogError` when the report cannot be written as JSON.
  package static func page(_ report: VerificationReport, pictures: [[[UInt8]]]) throws -> Page {
    var page = try Page(
      title: report.passed ? "Verification passed" : "Verification failed", subtitle: report.model,
      document: report)
    page.add(verdict(report))
    for (place, reference) in report.references.enumerated() {
      page.add(Heading(title(reference, place, of: report.references.count)))
      if report.references.count > 1 { page.add(verdict(reference)) }
      add(reference, pictures: place < pictures.count ? pictures[place] : [], to: &page)
    }
    page.add(Heading("Bits and damage by part"))
    page.add(WeightParts.columns(report.parts))
    if report.lossyTensors.isEmpty {
      page.add(Paragraph("The conversion recorded no loss: every weight is what it was made of."))
    } else {
      page.add(WeightParts.table(report.lossyTensors))
    }
    return page
  }

  private static func title(_ reference: ReferenceResult, _ place: Int, of count: Int) -> String {
    let name = reference.file.lastPathName
    return count > 1 ? "\(place + 1). \(name)" : name
  }

  private static func verdict(_ report: VerificationReport) -> Verdict {
    let count = report.references.count + report.failed.count
    if count == 1, let only = report.references.first { return verdict(only) }
    guard !report.passed else { return Verdict(.passed, "All \(count) references passed") }
    let faults = report.references.filter { !$0.passed }.map { reference in
      let fault = reference.firstAtFault.map { "first at fault: \($0.name)" } ?? "no layer at fault"
      return "\(reference.file.lastPathName): \(fault)"
    }
    return Verdict(
      .failed, "\(faults.count + report.failed.count) of \(count) references failed",
      details: faults + report.failed.map { "not compared: \($0.error)" })
  }

  private static func verdict(_ reference: ReferenceResult) -> Verdict {
    if reference.passed {
      let worst = reference.taps.map(\.relativeL2).max() ?? 0
      return Verdict(
        .passed, "Every layer and the answer are within tolerance",
        details: ["The largest accumulated error is \(NumberStyle.scientific.text(worst))."])
    }
    var details: [String] = []
    if let point = reference.firstAtFault, let tap = reference.taps.first(where: { $0.point == point }) {
      details.append(sentence(tap, reference.tolerance))
    }
    if reference.promptMatches == false {
      details.append("The prompt that the engine builds differs from the reference's.")
    }
    if reference.answer?.passed == false {
      details.append("The answer differs where the reference was sure.")
    }
    let title =
      reference.firstAtFault.map { "First layer at fault: \($0.name)" }
      ?? "No layer is at fault, and yet it failed"
    return Verdict(.failed, title, details: details)
  }

  private static func sentence(_ tap: TapResult, _ tolerance: Tolerance) -> String {
    if !tap.isolatedPassed, let error = tap.isolatedRelativeL2 {
      return "Given the reference's input, its error is \(NumberStyle.scientific.text(error)); "
        + "\(NumberStyle.plain.text(tolerance.isolated(tap.point))) is allowed."
    }
    return "Its accumulated error is \(NumberStyle.scientific.text(tap.relativeL2)); "
      + "\(NumberStyle.plain.text(tolerance.accumulated)) is allowed. "
      + "No layer's own error is out of tolerance."
  }

  private static func add(_ reference: ReferenceResult, pictures: [[UInt8]], to page: inout Page) {
    let prompt = reference.promptMatches.map { $0 ? "ids, types and positions equal" : "differs" }
    let answer = reference.answer.map { answer in
      let equal = answer.steps.count { $0.agreement == .equal }
      return "\(equal) of \(answer.comparedTokens) tokens equal, \(answer.passed ? "passed" : "failed")"
    }
    page.add(
      Facts([
        ("reference", reference.file), ("computed in", reference.computeMode.rawValue),
        ("prompt", prompt ?? "the bundle has no question to compare"),
        ("answer", answer ?? "none in the bundle"),
      ]))
    for part in AnswerParts.tolerance(reference.tolerance) { page.add(part) }
    page.add(chart(reference))
    page.add(table(reference))
    if let answer = reference.answer {
      page.add(
        AnswerParts.tokens(
          answer.steps, title: "Answer token by token: \(answer.text)", logitError: answer.logitError))
    }
    if !pictures.isEmpty { page.add(AnswerParts.frames(reference.frames, pictures: pictures, of: nil)) }
  }

  private static func chart(_ reference: ReferenceResult) -> LineChart {
    let points = reference.taps.map { LayerPoint($0.point) }
    let fault = reference.firstAtFault.flatMap { point in reference.taps.firstIndex { $0.point == point } }
    return LineChart(
      title: "Error along the layers",
      caption:
        "Accumulated: the engine ran alone from the input. Isolated: each layer was given the "
        + "reference's input, so that a fault shows in its own layer only.",
      points: points,
      series: [
        .init(name: "accumulated", values: reference.taps.map(\.relativeL2)),
        .init(name: "isolated", values: reference.taps.map(\.isolatedRelativeL2)),
      ],
      limits: AnswerParts.limits(reference.tolerance, at: reference.taps.map(\.point)),
      valueLabel: "relative L2 error, log scale",
      highlight: fault.map { ($0, "first at fault: \(reference.taps[$0].point.name)") })
  }

  private static func table(_ reference: ReferenceResult) -> DataTable {
    var table = DataTable(
      title: "Layers",
      columns: [
        .code("tap"), .text("outcome"), .number("isolated"), .number("accumulated"), .number("max abs"),
        .number("cosine"), .text("shape"),
      ])
    for tap in reference.taps {
      let isFault = tap.point == reference.firstAtFault
      table.add(
        [
          .text(tap.point.name),
          .text(
            isFault ? "first at fault" : (tap.passed ? "passed" : "out of tolerance"),
            tap.passed ? .passed : .failed),
          .number(tap.isolatedRelativeL2, .scientific, tap.isolatedPassed ? .plain : .failed),
          .number(
            tap.relativeL2, .scientific,
            tap.relativeL2 <= reference.tolerance.accumulated ? .plain : .failed),
          .number(tap.maxAbs, .scientific), .number(tap.cosine, .cosine), .text("\(tap.shape)"),
        ], isFault: isFault)
    }
    return table
  }
}
