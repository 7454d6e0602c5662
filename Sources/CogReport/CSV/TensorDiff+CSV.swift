package import CogInspect

extension TensorDiff {
  /// The comparison as comma-separated values: a line for each tensor, each part and the total, and for each
  /// tensor that is missing or of another shape, told apart by the first column.
  package var csv: String {
    var table = CSVTable([
      "scope", "name", "part", "shape", "typeA", "typeB", "tensors", "identical", "relativeL2", "sqnr",
      "maxAbs", "maxAbsAt", "cosine", "worstGroupRelativeL2", "worstGroupRow", "worstGroup", "groupSize",
      "notFinite",
    ])
    for tensor in tensors {
      let group = tensor.worstGroup
      table.add([
        "tensor", tensor.name, tensor.part, tensor.shape.description, tensor.typeA.label, tensor.typeB.label,
        "1",
        tensor.isIdentical ? "1" : "0", CSVTable.number(tensor.relativeL2), CSVTable.number(tensor.sqnr),
        CSVTable.number(tensor.maxAbs),
        tensor.maxAbsAt.map { "\($0)" } ?? "", CSVTable.number(tensor.cosine),
        CSVTable.number(group?.relativeL2),
        group.map { "\($0.row)" } ?? "", group.map { "\($0.group)" } ?? "", group.map { "\($0.size)" } ?? "",
        "\(tensor.notFinite)",
      ])
    }
    for (scope, groups) in [("part", parts), ("total", [total])] {
      for group in groups {
        table.add([
          scope, group.name, "", "", "", "", "\(group.tensorCount)", "\(group.identicalCount)",
          CSVTable.number(group.relativeL2), CSVTable.number(group.sqnr), CSVTable.number(group.maxAbs), "",
          CSVTable.number(group.cosine),
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
