import CogBase
import CogInspect
import CogReport
import Foundation

extension TensorDiffReport {
  /// The tensors that differ, the worst first, then parts, what is missing, and the verdict where there is a
  /// limit.
  var text: String {
    var sections: [String] = []
    let differing = diff.differing
    if !differing.isEmpty { sections.append(Self.table(differing)) }
    sections.append(Self.table(diff.parts + [diff.total]))
    sections += [
      missing(diff.missingInA, "only in \(diff.b)"),
      missing(diff.missingInB, "only in \(diff.a)"),
      missing(diff.misshapen.map { "\($0.name)  \($0.shapeA), \($0.shapeB)" }, "of different shapes"),
    ].compactMap { $0 }
    sections += diff.notes.map { "note: \($0.printable)" }
    if let failOver, let passed {
      let missing = diff.missingInA.count + diff.missingInB.count
      let failures = [
        (diff.tensors(over: failOver).count, "over \(failOver)"), (missing, "missing"),
        (diff.misshapen.count, "of different shapes"),
      ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
      sections.append(
        passed
          ? "PASSED  no tensor over \(failOver)" : "FAILED  tensors: \(failures.joined(separator: ", "))")
    }
    return sections.joined(separator: "\n\n")
  }

  private static func table(_ tensors: [TensorDiff.Tensor]) -> String {
    var table = TextTable([
      .text("tensor that differs"), .text("A"), .text("B"), .number("relative L2"), .number("SQNR dB"),
      .number("max abs"), .text("at"), .number("cosine"), .text("worst group"),
    ])
    for tensor in tensors {
      table.add([
        tensor.name, tensor.typeA, tensor.typeB, scientific(tensor.relativeL2), decibels(tensor.sqnr),
        scientific(tensor.maxAbs),
        (tensor.firstNotFinite ?? tensor.maxAbsAt).map { "\($0)" } ?? "-", cosine(tensor.cosine),
        tensor.notFinite > 0
          ? "\(tensor.notFinite) not finite" : tensor.worstGroup.map(Self.describe) ?? "-",
      ])
    }
    return table.rendered()
  }

  private static func describe(_ group: TensorDiff.WorstGroup) -> String {
    let first = group.group * group.size
    return "\(scientific(group.relativeL2)) row \(group.row), columns \(first)-\(first + group.size - 1)"
  }

  private static func table(_ groups: [TensorDiff.Group]) -> String {
    var table = TextTable([
      .text("part"), .number("tensors"), .number("identical"), .number("relative L2"), .number("SQNR dB"),
      .number("max abs"), .number("cosine"),
    ])
    for group in groups {
      table.add([
        group.name, "\(group.tensorCount)", "\(group.identicalCount)", scientific(group.relativeL2),
        decibels(group.sqnr), scientific(group.maxAbs), cosine(group.cosine),
      ])
    }
    return table.rendered()
  }

  private func missing(_ names: [String], _ what: String) -> String? {
    guard !names.isEmpty else { return nil }
    return "\(names.count) \(what.printable):\n" + names.map { "  \($0.printable)" }.joined(separator: "\n")
  }
}

private func scientific(_ value: Double?) -> String { value.map { String(format: "%.3e", $0) } ?? "-" }

private func decibels(_ value: Double?) -> String { value.map { String(format: "%.2f", $0) } ?? "-" }

private func cosine(_ value: Double?) -> String { value.map { String(format: "%.7f", $0) } ?? "-" }

extension TensorDiff {
  /// The comparison as comma-separated values: a line for each tensor, each part and the total, and for each
  /// tensor that is missing or of another shape, told apart by the first column.
  var csv: String {
    var table = CSVTable([
      "scope", "name", "part", "shape", "typeA", "typeB", "tensors", "identical", "relativeL2", "sqnr",
      "maxAbs",
      "maxAbsAt", "cosine", "worstGroupRelativeL2", "worstGroupRow", "worstGroup", "groupSize", "notFinite",
    ])
    func text(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
    for tensor in tensors {
      let group = tensor.worstGroup
      table.add([
        "tensor", tensor.name, tensor.part, tensor.shape.description, tensor.typeA, tensor.typeB, "1",
        tensor.isIdentical ? "1" : "0", text(tensor.relativeL2), text(tensor.sqnr), text(tensor.maxAbs),
        tensor.maxAbsAt.map { "\($0)" } ?? "", text(tensor.cosine), text(group?.relativeL2),
        group.map { "\($0.row)" } ?? "", group.map { "\($0.group)" } ?? "", group.map { "\($0.size)" } ?? "",
        "\(tensor.notFinite)",
      ])
    }
    for (scope, groups) in [("part", parts), ("total", [total])] {
      for group in groups {
        table.add([
          scope, group.name, "", "", "", "", "\(group.tensorCount)", "\(group.identicalCount)",
          text(group.relativeL2), text(group.sqnr), text(group.maxAbs), "", text(group.cosine),
        ])
      }
    }
    for name in missingInA { table.add(["missingInA", name]) }
    for name in missingInB { table.add(["missingInB", name]) }
    for tensor in misshapen {
      table.add(["misshapen", tensor.name, "", "\(tensor.shapeA), \(tensor.shapeB)"])
    }
    return table.rendered()
  }
}
