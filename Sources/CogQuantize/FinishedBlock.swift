import CogBase
package import CogModel
import Synchronization

/// Bytes of a tensor as they go into the file, and the source bytes that they were made of.
package struct FinishedBlock: Sendable {
  /// The encoded bytes.
  package let bytes: OwnedBytes
  /// The part of the source tensor's bytes that this block encodes.
  package let sourceRange: Range<Int>
  /// The memory that was encoded into, or nil where the bytes are the source's own.
  fileprivate let buffer: BlockBuffer?

  /// Bytes of the source as they are.
  package init(_ bytes: OwnedBytes, sourceRange: Range<Int>) {
    (self.bytes, self.sourceRange, buffer) = (bytes, sourceRange, nil)
  }

  /// The first `count` bytes of a buffer.
  package init(_ buffer: BlockBuffer, count: Int, sourceRange: Range<Int>) {
    bytes = OwnedBytes(UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count]), owner: buffer)
    (self.sourceRange, self.buffer) = (sourceRange, buffer)
  }
}

/// Memory that a block is encoded into. One thread at a time uses it.
package final class BlockBuffer: @unchecked Sendable {
  package let bytes: UnsafeMutableRawBufferPointer

  package init(byteCount: Int) {
    // A cache line: the kernels store whole lines.
    bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
  }

  deinit { bytes.deallocate() }
}

/// Buffers that go round between the encoder, which fills them, and the thread that writes them.
///
/// There are as many as blocks are under way: ``SinkQueue`` bounds those.
package final class BlockBuffers: Sendable {
  private let free = Mutex<[BlockBuffer]>([])

  /// No buffers yet.
  package init() {}

  /// A buffer of at least `byteCount` bytes; their content is anything.
  package func take(_ byteCount: Int) -> BlockBuffer {
    let buffer = free.withLock { $0.popLast() }
    // One that is too small goes away: after a few blocks of a larger tensor all are large enough.
    return buffer.flatMap { $0.bytes.count >= byteCount ? $0 : nil } ?? BlockBuffer(byteCount: byteCount)
  }

  /// Takes the memory of a block back once it is written.
  package func giveBack(_ block: FinishedBlock) {
    guard let buffer = block.buffer else { return }
    free.withLock { $0.append(buffer) }
  }
}
