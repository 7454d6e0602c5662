import CogBase

/// One rule of byte-pair encoding: `left` and then `right` may become `result`. The fields are token ids.
struct Merge: Equatable, Sendable {
  let left: UInt32
  let right: UInt32
  let result: UInt32
}

/// All merges by rank, the first one being the most urgent, and the way to find one by its pair.
struct MergeTable: Sendable {
  /// The merges; a merge's rank is its place here.
  let merges: [Merge]
  /// Open addressing with linear probing: rank + 1, or 0 where free.
  private var slots: [UInt32]
  private let hash = SeededHash.process

  /// Checks the merges against the tokens and indexes them.
  ///
  /// - Throws: `CogError` that names the merge when an id is no ordinary token, the result is not left and
  ///   right put together, or a pair stands twice.
  init(_ merges: [Merge], tokens: TokenTable) throws {
    guard merges.count <= TokenTable.countLimit else {
      throw CogError(
        "there are too many merges", expected: "at most \(TokenTable.countLimit)", found: "\(merges.count)")
    }
    self.merges = merges
    slots = [UInt32](repeating: 0, count: TokenTable.slotCount(for: merges.count))
    for (rank, merge) in merges.enumerated() {
      guard Self.isConcatenation(merge, tokens) else {
        throw CogError(
          "a merge does not join two tokens of the vocabulary to a third one", subject: "merge \(rank)",
          found: "\(merge.left) and \(merge.right) to \(merge.result)")
      }
      let slot = slot(of: merge.left, merge.right)
      guard slots[slot] == 0 else {
        throw CogError(
          "a merge stands twice", subject: "merge \(rank)", found: "the pair of merge \(slots[slot] - 1)")
      }
      slots[slot] = UInt32(rank) + 1
    }
  }

  /// The rank of the merge of a pair of ids, or nil when the two do not merge.
  func rank(_ left: UInt32, _ right: UInt32) -> Int? {
    let entry = slots[slot(of: left, right)]
    return entry == 0 ? nil : Int(entry) - 1
  }

  private static func isConcatenation(_ merge: Merge, _ tokens: TokenTable) -> Bool {
    let (left, right, result) = (Int(merge.left), Int(merge.right), Int(merge.result))
    return max(left, right, result) < tokens.count
      && tokens.kind(left).contains(.ordinary) && tokens.kind(right).contains(.ordinary)
      && tokens.kind(result).contains(.ordinary) && tokens.isConcatenation(left, right, result)
  }

  /// The slot that holds the merge of a pair, or the free one where it would go.
  private func slot(of left: UInt32, _ right: UInt32) -> Int {
    let mask = slots.count - 1
    var slot = hash.hash(UInt64(left) << 32 | UInt64(right)) & mask
    while slots[slot] != 0 {
      let merge = merges[Int(slots[slot]) - 1]
      if merge.left == left, merge.right == right { break }
      slot = (slot + 1) & mask
    }
    return slot
  }
}
