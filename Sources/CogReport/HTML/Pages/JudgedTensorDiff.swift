import CogInspect

/// A comparison with what stands out in it.
struct JudgedTensorDiff {
  let diff: TensorDiff
  let limit: Double?
  private let over: Set<String>
  private let apart: [String: Double]
  private let swapped: [String: String]

  init(_ diff: TensorDiff, limit: Double?) {
    (self.diff, self.limit) = (diff, limit)
    over = Set(limit.map { diff.tensors(over: $0).map(\.name) } ?? [])
    apart = diff.apart
    let pairs = diff.swapped.flatMap { [($0.first, $0.second), ($0.second, $0.first)] }
    swapped = Dictionary(pairs) { first, _ in first }
  }

  /// What stands out in a tensor, in a few words; nil for nothing.
  func words(_ tensor: TensorDiff.Tensor) -> String? {
    var words: [String] = []
    if swapped[tensor.name] != nil {
      words.append("swapped")
    } else if let diagnosis = tensor.diagnosis {
      words.append(diagnosis.label)
    } else if let factor = apart[tensor.name] {
      words.append("\(NumberStyle.plain.text((factor * 10).rounded() / 10)) times the usual error")
    }
    if over.contains(tensor.name) { words.append("over the limit") }
    return words.isEmpty ? nil : words.joined(separator: ", ")
  }

  /// The outcome in one line and what stands out below it.
  var verdict: Verdict {
    let total = diff.total
    let different = total.tensorCount - total.identicalCount
    let counts =
      "\(total.identicalCount) of \(total.tensorCount) tensors are equal to the bit, \(different) "
      + (different == 1 ? "differs" : "differ")
    let found = diff.differing.filter { words($0) != nil }
    let sentences = sentences(found)
    var details = Array(sentences.prefix(Self.mostSentences))
    if sentences.count > details.count {
      details.append("And \(sentences.count - details.count) more: see the table.")
    }
    let oneSided = diff.missingInA.count + diff.missingInB.count + diff.misshapen.count
    if oneSided > 0 { details.append("\(oneSided) tensors are on one side only or of different shapes.") }
    if let limit {
      let text = NumberStyle.plain.text(limit)
      return diff.passes(limit: limit)
        ? Verdict(.passed, "No tensor is over \(text); \(counts)", details: details)
        : Verdict(.failed, "\(over.count) over the limit of \(text); \(counts)", details: details)
    }
    if found.contains(where: { $0.notFinite > 0 }) || oneSided > 0 {
      return Verdict(.failed, counts, details: details)
    }
    // Between equal types any difference is news, between others it is what was asked for.
    let isNews = diff.tensors.contains { !$0.isIdentical && $0.typeA == $0.typeB }
    return Verdict(!found.isEmpty || isNews ? .warning : .passed, counts, details: details)
  }

  /// A sentence for each tensor; a pair that was swapped, and the scaled tensors of a layer, have one
  /// together.
  private func sentences(_ found: [TensorDiff.Tensor]) -> [String] {
    let scaled = Dictionary(grouping: found.filter(\.isScaled)) {
      LayerName(tensor: $0.name)?.description ?? ""
    }.filter { !$0.key.isEmpty && $0.value.count >= 3 }
    var told: Set<String> = []
    return found.compactMap { tensor in
      if let other = swapped[tensor.name] {
        guard told.insert(tensor.name).inserted, told.insert(other).inserted else { return nil }
        return "\(tensor.name) and \(other): swapped, each has the values of the other one"
      }
      let layer = LayerName(tensor: tensor.name)?.description ?? ""
      if let tensors = scaled[layer], tensor.isScaled {
        guard told.insert(layer).inserted else { return nil }
        let all = diff.tensors.count { LayerName(tensor: $0.name)?.description == layer }
        return
          "\(layer): \(tensors.count) of its \(all) tensors are "
          + "\(tensors[0].diagnosis?.label ?? "") the reference's"
      }
      return sentence(tensor)
    }
  }

  private func sentence(_ tensor: TensorDiff.Tensor) -> String {
    if tensor.notFinite > 0 {
      let place = tensor.firstNotFinite.map { ", the first at \($0)" } ?? ""
      let elements = tensor.notFinite == 1 ? "element is" : "elements are"
      return "\(tensor.name): \(tensor.notFinite) \(elements) not finite on one side\(place)"
    }
    let words = words(tensor) ?? ""
    let error = tensor.relativeL2.map { "relative L2 \(NumberStyle.scientific.text($0))" } ?? "other bytes"
    switch tensor.diagnosis {
    case .unrelated:
      let cosine = tensor.cosine.map(NumberStyle.cosine.text) ?? ""
      return "\(tensor.name): has nothing to do with the reference (cosine \(cosine), \(error))"
    case .scaled: return "\(tensor.name): \(words) the reference's values"
    case .zeroGroup:
      let place = tensor.worstGroup.map { ": " + TensorDiffPage.place($0) } ?? ""
      return
        "\(tensor.name): a group of it is zeros, and the reference's is not\(place); \(error) over the tensor"
    default: return "\(tensor.name): \(words), \(error)"
    }
  }

  /// Sentences at the top at most.
  private static let mostSentences = 8
}

extension TensorDiff.Tensor {
  fileprivate var isScaled: Bool { if case .scaled = diagnosis { true } else { false } }
}
