/// Byte-pair encoding of one piece of text: again and again the pair of neighbors with the lowest rank, the
/// leftmost of equals, becomes one token, until no pair merges.
///
/// The symbols are a doubly linked list and the possible merges a binary heap, so that a piece of n bytes
/// takes O(n log n) time however long it is. The memory is kept from piece to piece.
struct PairMerger {
  private let table: MergeTable
  private var symbols: [Symbol] = []
  private var heap: [Candidate] = []

  init(_ table: MergeTable) { self.table = table }

  private struct Symbol {
    var id: UInt32
    /// Neighbors' places; -1 and the number of symbols at the ends.
    var previous: Int
    var next: Int
    /// Whether the symbol became part of the one before it.
    var isGone = false
  }

  /// A merge that was possible when it was found: of the symbol at `place` with the one after it.
  private struct Candidate {
    let rank: Int
    let place: Int

    static func < (a: Candidate, b: Candidate) -> Bool {
      a.rank == b.rank ? a.place < b.place : a.rank < b.rank
    }
  }

  /// Merges a piece given as the ids of its bytes and appends what is left to `ids`.
  mutating func merge(_ byteIDs: some Sequence<UInt32>, into ids: inout [Int]) {
    symbols.removeAll(keepingCapacity: true)
    heap.removeAll(keepingCapacity: true)
    for id in byteIDs {
      symbols.append(Symbol(id: id, previous: symbols.count - 1, next: symbols.count + 1))
    }
    for place in symbols.indices { propose(place) }
    while let candidate = popLowest() { apply(candidate) }
    ids += symbols.lazy.filter { !$0.isGone }.map { Int($0.id) }
  }

  /// Notes the merge of the symbol at `place` with the next one, if there is such a merge.
  private mutating func propose(_ place: Int) {
    guard symbols.indices.contains(place), symbols[place].next < symbols.count else { return }
    let next = symbols[symbols[place].next]
    guard let rank = table.rank(symbols[place].id, next.id) else { return }
    push(Candidate(rank: rank, place: place))
  }

  private mutating func apply(_ candidate: Candidate) {
    let symbol = symbols[candidate.place]
    let merge = table.merges[candidate.rank]
    // An earlier merge may have taken either symbol since; then the pair is another one.
    guard !symbol.isGone, symbol.next < symbols.count, symbol.id == merge.left,
      symbols[symbol.next].id == merge.right
    else { return }
    let after = symbols[symbol.next].next
    symbols[symbol.next].isGone = true
    symbols[candidate.place].id = merge.result
    symbols[candidate.place].next = after
    if after < symbols.count { symbols[after].previous = candidate.place }
    propose(symbol.previous)
    propose(candidate.place)
  }

  private mutating func push(_ candidate: Candidate) {
    var child = heap.count
    heap.append(candidate)
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child] < heap[parent] else { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func popLowest() -> Candidate? {
    guard let lowest = heap.first, let last = heap.popLast() else { return nil }
    guard !heap.isEmpty else { return lowest }
    heap[0] = last
    var parent = 0
    while true {
      var child = 2 * parent + 1
      guard child < heap.count else { return lowest }
      if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
      guard heap[child] < heap[parent] else { return lowest }
      heap.swapAt(parent, child)
      parent = child
    }
  }
}
