import Glibc
import Synchronization

/// Memory of large matrices, kept for the next one of about the same size.
///
/// A layer allocates and frees the same few sizes again and again. The system would take each large block
/// back and hand out zeroed pages for the next: that took a third of the time of reading a prompt.
enum RecycledMemory {
  /// Smaller blocks are left to `malloc`, which keeps them itself.
  static let smallestByteCount = 1 << 18
  /// The most that is kept for later; what exceeds it goes back to the system.
  static let mostKeptByteCount = 1 << 29
  /// Blocks begin on a huge page and may be backed by them.
  private static let alignment = 1 << 21

  private static let shelf = Mutex(FreeBlocks(mostByteCount: mostKeptByteCount))

  /// A block of at least `byteCount` bytes, aligned to 64 bytes, with whatever is in it; to be given back by
  /// ``free(_:byteCount:)`` with the count that is returned.
  static func allocate(byteCount: Int) -> (pointer: UnsafeMutableRawPointer, byteCount: Int) {
    guard byteCount >= smallestByteCount else {
      return (.allocate(byteCount: byteCount, alignment: 64), byteCount)
    }
    if let block = shelf.withLock({ $0.take(byteCount, slack: alignment) }) {
      return (block.pointer, block.byteCount)
    }
    let rounded = (byteCount + alignment - 1) / alignment * alignment
    let pointer = UnsafeMutableRawPointer.allocate(byteCount: rounded, alignment: alignment)
    madvise(pointer, rounded, MADV_HUGEPAGE)
    return (pointer, rounded)
  }

  /// Gives a block back.
  static func free(_ pointer: UnsafeMutableRawPointer, byteCount: Int) {
    guard byteCount >= smallestByteCount else { return pointer.deallocate() }
    let excess = shelf.withLock { $0.keep(FreeBlocks.Block(pointer: pointer, byteCount: byteCount)) }
    for block in excess { block.pointer.deallocate() }
  }
}

/// Free blocks of memory, up to a number of bytes.
package struct FreeBlocks: Sendable {
  /// A block of memory.
  package struct Block: Equatable, @unchecked Sendable {
    /// Its first byte.
    package let pointer: UnsafeMutableRawPointer
    /// Its size.
    package let byteCount: Int

    /// A block of memory.
    package init(pointer: UnsafeMutableRawPointer, byteCount: Int) {
      (self.pointer, self.byteCount) = (pointer, byteCount)
    }
  }

  private let mostByteCount: Int
  /// The one that was given back last is at the end: it is the likeliest to be in the cache.
  private var blocks: [Block] = []
  private var byteCount = 0

  /// No blocks yet.
  package init(mostByteCount: Int) { self.mostByteCount = mostByteCount }

  /// Keeps a block, unless it is larger than all that may be kept.
  ///
  /// - Returns: what is not kept: the oldest blocks that there is no more room for, or the block itself.
  package mutating func keep(_ block: Block) -> [Block] {
    guard block.byteCount <= mostByteCount else { return [block] }
    blocks.append(block)
    byteCount += block.byteCount
    var excess: [Block] = []
    while byteCount > mostByteCount {
      let oldest = blocks.removeFirst()
      byteCount -= oldest.byteCount
      excess.append(oldest)
    }
    return excess
  }

  /// Takes the smallest block that holds `wanted` bytes and wastes at most as many, or less than `slack`.
  package mutating func take(_ wanted: Int, slack: Int) -> Block? {
    var best: Int?
    for (index, block) in blocks.enumerated()
    where block.byteCount >= wanted && block.byteCount <= max(2 * wanted, slack) {
      if let found = best, blocks[found].byteCount < block.byteCount { continue }
      best = index
    }
    guard let best else { return nil }
    let block = blocks.remove(at: best)
    byteCount -= block.byteCount
    return block
  }
}
