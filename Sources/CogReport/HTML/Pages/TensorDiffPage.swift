import CogInspect
package import CogModel

/// The page of `cogvlm diff`.
package enum TensorDiffPage {
  /// A page that shows all of a comparison.
  ///
  /// - Parameters:
  ///   - report: what differs, and the limit that it was held to.
  ///   - stored: the tensors of A and B as they are stored, for their bits.
  /// - Throws: `CogError` when the document cannot be written as JSON.
  package static func page(
    _ report: TensorDiffReport, stored: (a: any TensorStore, b: any TensorStore)
  ) throws -> Page {
    let diff = report.diff
    let judged = JudgedTensorDiff(diff, limit: report.failOver)
    var page = try Page(
      title: "Comparison of tensors", subtitle: "\(diff.a) against \(diff.b), the reference",
      document: report)
    page.add(judged.verdict)
    for note in diff.notes { page.add(Paragraph("Note: \(note)")) }
    page.add(facts(diff, stored))
    page.add(Heading("Error along the layers"))
    for part in TensorDiffCharts.layers(judged) { page.add(part) }
    page.add(Heading("Bits and damage by part"))
    page.add(Columns(TensorDiffCharts.parts(diff, stored)))
    page.add(parts(diff))
    page.add(Heading("Tensors"))
    if let missing = missing(diff) { page.add(missing) }
    page.add(tensors(judged))
    return page
  }

  private static func facts(_ diff: TensorDiff, _ stored: (a: any TensorStore, b: any TensorStore)) -> Facts {
    let total = diff.total
    let names = diff.tensors.map(\.name)
    func size(_ store: any TensorStore) -> String {
      let size = StoredSize(of: names, in: store)
      let bits = size.bits.map(NumberStyle.plain.text) ?? "no"
      return "\(NumberStyle.bytes.text(Double(size.bytes))), \(bits) bits of an element"
    }
    return Facts([
      ("compared tensors", "\(total.tensorCount)"), ("equal to the bit", "\(total.identicalCount)"),
      ("different", "\(total.tensorCount - total.identicalCount)"),
      ("only in A", "\(diff.missingInB.count)"), ("only in B", "\(diff.missingInA.count)"),
      ("of different shapes", "\(diff.misshapen.count)"),
      ("relative L2 over all", NumberStyle.scientific.text(total.relativeL2)),
      ("SQNR over all", "\(NumberStyle.plain.text(total.sqnr)) dB"), ("A", size(stored.a)),
      ("B", size(stored.b)),
    ])
  }

  private static func parts(_ diff: TensorDiff) -> DataTable {
    var table = DataTable(
      title: "Parts",
      columns: [
        .code("part"), .number("tensors"), .number("identical"), .number("relative L2"), .number("SQNR dB"),
        .number("max abs"), .number("cosine"),
      ])
    for group in diff.parts + [diff.total] {
      table.add(
        [
          .text(group.name), .number(Double(group.tensorCount)), .number(Double(group.identicalCount)),
          .number(group.relativeL2, .scientific), .number(group.sqnr), .number(group.maxAbs, .scientific),
          .number(group.cosine, .cosine),
        ], isFault: group.relativeL2.isNaN)
    }
    return table
  }

  private static func missing(_ diff: TensorDiff) -> DataTable? {
    var table = DataTable(title: "Tensors of one side", columns: [.code("name"), .text("what")])
    let rows =
      diff.missingInA.map { ($0, "only in B") } + diff.missingInB.map { ($0, "only in A") }
      + diff.misshapen.map { ($0.name, "of different shapes: \($0.shapeA) in A, \($0.shapeB) in B") }
    for (name, what) in rows { table.add([.text(name), .text(what, .failed)], isFault: true) }
    return rows.isEmpty ? nil : table
  }

  /// Every tensor, those that stand out first, then by error; the identical ones last.
  private static func tensors(_ judged: JudgedTensorDiff) -> DataTable {
    let diff = judged.diff
    var table = DataTable(
      title: "Tensors",
      caption:
        "The worst first. The worst group is where the relative error of "
        + "\(groupSizes(diff)) neighboring columns is largest.",
      columns: [
        .code("name"), .text("outcome"), .number("relative L2"), .number("SQNR dB"), .number("max abs"),
        .text("at"), .number("cosine"), .number("worst group"), .text("its place"), .number("not finite"),
        .text("A"), .text("B"), .text("shape"), .text("part"),
      ])
    let differing = diff.differing
    let order =
      differing.filter { judged.words($0) != nil } + differing.filter { judged.words($0) == nil }
      + diff.tensors.filter(\.isIdentical)
    for tensor in order {
      let words = judged.words(tensor)
      let outcome = words ?? (tensor.isIdentical ? "identical" : "differs")
      let place = tensor.firstNotFinite ?? tensor.maxAbsAt
      table.add(
        [
          .text(tensor.name),
          .text(outcome, words != nil ? .failed : tensor.isIdentical ? .passed : .plain),
          .number(tensor.relativeL2, .scientific), .number(tensor.sqnr),
          .number(tensor.maxAbs, .scientific), .text(place.map { "\($0)" } ?? "–"),
          .number(tensor.cosine, .cosine), .number(tensor.worstGroup?.relativeL2, .scientific),
          .text(tensor.worstGroup.map(Self.place) ?? "–"), .number(Double(tensor.notFinite)),
          .text(tensor.typeA.label), .text(tensor.typeB.label), .text("\(tensor.shape)"), .text(tensor.part),
        ], isFault: words != nil)
    }
    return table
  }

  private static func groupSizes(_ diff: TensorDiff) -> String {
    let sizes = Set(diff.tensors.compactMap(\.worstGroup?.size)).sorted()
    return sizes.isEmpty ? "64" : sizes.map(String.init).joined(separator: " or ")
  }

  static func place(_ group: TensorDiff.WorstGroup) -> String {
    "row \(group.row), columns \(group.group * group.size)–\((group.group + 1) * group.size - 1)"
  }
}
