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

  private struct Block {
    let pointer: UnsafeMutableRawPointer
    let byteCount: Int
  }

  /// Free blocks, the one that was given back last at the end: it is the likeliest to be in the cache.
  private struct Shelf: @unchecked Sendable {
    var blocks: [Block] = []
    var byteCount = 0
  }

  private static let shelf = Mutex(Shelf())

  /// A block of at least `byteCount` bytes, aligned to 64 bytes, with whatever is in it; to be given back by
  /// ``free(_:byteCount:)`` with the count that is returned.
  static func allocate(byteCount: Int) -> (pointer: UnsafeMutableRawPointer, byteCount: Int) {
    guard byteCount >= smallestByteCount else {
      return (.allocate(byteCount: byteCount, alignment: 64), byteCount)
    }
    if let block = takeKept(byteCount) { return (block.pointer, block.byteCount) }
    let rounded = (byteCount + alignment - 1) / alignment * alignment
    let pointer = UnsafeMutableRawPointer.allocate(byteCount: rounded, alignment: alignment)
    madvise(pointer, rounded, MADV_HUGEPAGE)
    return (pointer, rounded)
  }

  /// Gives a block back.
  static func free(_ pointer: UnsafeMutableRawPointer, byteCount: Int) {
    guard byteCount >= smallestByteCount else { return pointer.deallocate() }
    let excess = shelf.withLock { shelf -> [Block] in
      shelf.blocks.append(Block(pointer: pointer, byteCount: byteCount))
      shelf.byteCount += byteCount
      var excess: [Block] = []
      while shelf.byteCount > mostKeptByteCount {
        let oldest = shelf.blocks.removeFirst()
        shelf.byteCount -= oldest.byteCount
        excess.append(oldest)
      }
      return excess
    }
    for block in excess { block.pointer.deallocate() }
  }

  /// The smallest kept block that holds `byteCount` bytes and wastes at most as many, or less than a huge
  /// page.
  private static func takeKept(_ byteCount: Int) -> Block? {
    shelf.withLock { shelf in
      var best: Int?
      for (index, block) in shelf.blocks.enumerated()
      where block.byteCount >= byteCount && block.byteCount <= max(2 * byteCount, alignment) {
        if let found = best, shelf.blocks[found].byteCount < block.byteCount { continue }
        best = index
      }
      guard let best else { return nil }
      let block = shelf.blocks.remove(at: best)
      shelf.byteCount -= block.byteCount
      return block
    }
  }
}
