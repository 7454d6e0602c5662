import CogInspect

/// Findings of `stats` in words.
extension StatisticsReport.Finding {
  /// A few words, for a cell.
  var label: String {
    switch kind {
    case .notFinite(let nan, let infinite):
      [(nan, "NaN"), (infinite, "infinite")].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(
        separator: ", ")
    case .zeroGroups(let groups): groups.count == 1 ? "1 group of zeros" : "\(groups.count) groups of zeros"
    case .scale(let factor): "\(Self.times(factor)) the other layers'"
    }
  }

  /// A sentence with the tensor's name and the place.
  var sentence: String {
    switch kind {
    case .notFinite:
      "\(tensor.name): \(label)" + (tensor.firstNotFinite.map { ", the first at \($0)" } ?? "")
    case .zeroGroups(let groups):
      "\(tensor.name): \(label), of \(groups.size) columns each, the first in row \(groups.row), columns "
        + "\(groups.group * groups.size)–\((groups.group + 1) * groups.size - 1)"
    case .scale(let factor):
      "\(tensor.name): its root mean square is \(Self.times(factor)) that of the same tensors of other layers"
    }
  }

  /// Whether it is wrong in any model, and not only remarkable.
  var isFault: Bool { if case .notFinite = kind { true } else { false } }

  var scale: Double? { if case .scale(let factor) = kind { factor } else { nil } }

  static func times(_ factor: Double) -> String {
    NumberStyle.plain.text((factor * 1000).rounded() / 1000) + " times"
  }
}

extension [StatisticsReport.Finding] {
  /// Sentences, those about the scale of most tensors of a layer as one.
  func sentences(tensorsInLayer: [String: Int]) -> [String] {
    let scaled = Dictionary(grouping: filter { $0.scale != nil }) { $0.tensor.layer ?? "" }
    // Rotary tables and such do not change with a layer's weights.
    let whole = scaled.filter { layer, findings in
      findings.count >= 3 && findings.count * 2 >= tensorsInLayer[layer] ?? .max
    }
    var sentences = filter { $0.scale == nil || whole[$0.tensor.layer ?? ""] == nil }.map(\.sentence)
    for (layer, findings) in whole.sorted(by: { $0.key < $1.key }) {
      let factors = findings.compactMap(\.scale).sorted()
      let (low, high) = (factors.first ?? .nan, factors.last ?? .nan)
      sentences.append(
        "\(layer): \(findings.count) of its \(tensorsInLayer[layer] ?? 0) tensors are "
          + "\(NumberStyle.plain.text((low * 100).rounded() / 100)) to "
          + "\(StatisticsReport.Finding.times((high * 100).rounded() / 100)) as large "
          + "as those of other layers"
      )
    }
    return sentences
  }
}

/// Diagnoses of `diff` in words.
extension TensorDiff.Tensor.Diagnosis {
  var label: String {
    switch self {
    case .notFinite: "not finite"
    case .unrelated: "another tensor"
    case .scaled(let factor, let other):
      ([factor] + [other].compactMap { $0 }).map { NumberStyle.plain.text(($0 * 1000).rounded() / 1000) }
        .joined(separator: " or ") + " times"
    case .zeroGroup: "group of zeros"
    }
  }
}
