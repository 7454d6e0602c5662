package import CogBase

/// Bytes together with what keeps them alive, usually a mapped file: the one way in which memory is handed
/// from a file to those that compute with it.
package struct OwnedBytes: @unchecked Sendable {
  /// What keeps the bytes alive.
  package let owner: AnyObject
  private let buffer: UnsafeRawBufferPointer

  /// Bytes that stay valid and unchanged as long as `owner` lives.
  package init(_ bytes: UnsafeRawBufferPointer, owner: AnyObject) {
    (buffer, self.owner) = (bytes, owner)
  }

  /// A range of a mapped file, within its bounds.
  package init(_ file: MappedFile, _ range: Range<Int>) {
    self.init(UnsafeRawBufferPointer(rebasing: file.bytes[range]), owner: file)
  }

  /// A copy in memory of its own.
  package init(copying bytes: some Collection<UInt8>) {
    let copy = HeapCopy(bytes)
    self.init(UnsafeRawBufferPointer(copy.bytes), owner: copy)
  }

  /// The number of bytes.
  package var count: Int { buffer.count }

  /// Some of the bytes, within bounds, with the same owner.
  package subscript(range: Range<Int>) -> OwnedBytes {
    OwnedBytes(UnsafeRawBufferPointer(rebasing: buffer[range]), owner: owner)
  }

  /// Shows the bytes to `body`; the pointer is valid until it returns.
  package func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(owner) {} }
    return try body(buffer)
  }

  /// The bytes for those who keep this value beside the pointer, which does not keep them alive by itself.
  package var unpinned: UnsafeRawBufferPointer { buffer }

  /// Lets the pages of some of the bytes go, where they are those of a mapped file. A hint: the bytes stay
  /// valid.
  package func letGo(_ range: Range<Int>) {
    guard let file = owner as? MappedFile, let start = buffer.baseAddress, let base = file.bytes.baseAddress
    else { return }
    let place = start - base
    file.letGo(place + range.lowerBound..<place + range.upperBound)
  }
}

/// Memory of the heap.
private final class HeapCopy {
  let bytes: UnsafeMutableRawBufferPointer

  init(_ source: some Collection<UInt8>) {
    bytes = .allocate(byteCount: source.count, alignment: 64)
    bytes.copyBytes(from: source)
  }

  deinit { bytes.deallocate() }
}
