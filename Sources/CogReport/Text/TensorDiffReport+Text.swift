import CogBase
import CogInspect

extension TensorDiffReport {
  /// The tensors that differ, the worst first, then parts, what is missing, and the verdict where there is a
  /// limit.
  package var text: String {
    var sections: [String] = []
    let differing = diff.differing
    if !differing.isEmpty { sections.append(Self.table(differing)) }
    sections.append(Self.table(diff.parts + [diff.total]))
    sections += [
      missing(diff.missingInA, "only in \(diff.b)"),
      missing(diff.missingInB, "only in \(diff.a)"),
      missing(diff.misshapen.map { "\($0.name)  \($0.shapeA), \($0.shapeB)" }, "of different shapes"),
    ].compactMap { $0 }
    sections += diff.swapped.map {
      "\($0.first.printable) and \($0.second.printable): swapped, each has the values of the other one"
    }
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
        tensor.name, tensor.typeA.label, tensor.typeB.label, scientific(tensor.relativeL2),
        decibels(tensor.sqnr),
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

private func scientific(_ value: Double?) -> String {
  value.map { NumberText.scientific($0, digits: 4) } ?? "-"
}

private func decibels(_ value: Double?) -> String { value.map { NumberText.fixed($0, decimals: 2) } ?? "-" }

private func cosine(_ value: Double?) -> String { value.map { NumberText.fixed($0, decimals: 7) } ?? "-" }
