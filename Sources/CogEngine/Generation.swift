package import CogCompute

/// An answer as token ids, with how it ended and how sure each step was.
package struct GeneratedTokens: Equatable, Sendable {
  /// The ids, with the end-of-text id when the model ended the answer itself.
  package var ids: [Int] = []
  /// For each id, the gap between the two largest logits it was chosen from.
  package var margins: [Float] = []
  /// Why the answer ended.
  package var ending: Ending = .length

  /// Why an answer ended.
  package enum Ending: String, Sendable, Codable {
    /// The model said so.
    case endOfText
    /// The most new tokens were made.
    case length
    /// The model's context is full.
    case context
  }
}

extension Session {
  /// Makes tokens until the model ends the answer or a limit is reached.
  ///
  /// - Parameters:
  ///   - logits: what ``prefill(_:progress:tap:)`` returned.
  ///   - maximumNewTokens: the most ids to make.
  ///   - endOfText: the ids that end an answer.
  ///   - emit: receives every id as it is made, one that ends the answer excepted.
  package func generate(
    from logits: FloatMatrix, maximumNewTokens: Int, endOfText: Set<Int>, sampling: SamplingOptions = .greedy,
    emit: (Int) throws -> Void = { _ in }
  ) throws -> GeneratedTokens {
    var result = GeneratedTokens()
    var sampler = Sampler(sampling)
    var logits = logits
    while result.ids.count < maximumNewTokens {
      let row = UnsafeBufferPointer(logits.row(0))
      let id = sampler.next(row)
      result.ids.append(id)
      result.margins.append(Self.margin(row))
      if endOfText.contains(id) {
        result.ending = .endOfText
        return result
      }
      try emit(id)
      guard result.ids.count < maximumNewTokens else { return result }
      guard remaining > 0 else {
        result.ending = .context
        return result
      }
      logits = try step(id)
    }
    return result
  }

  /// The gap between the two largest values.
  package static func margin(_ logits: UnsafeBufferPointer<Float>) -> Float {
    var (first, second) = (-Float.infinity, -Float.infinity)
    for value in logits {
      if value > first { (first, second) = (value, first) } else if value > second { second = value }
    }
    return first - second
  }
}
