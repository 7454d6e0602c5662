/// Reads little-endian fields one after another from bytes of a file; running out of bytes is an error.
package struct ByteReader {
  /// All the bytes; they must outlive the reader.
  package let bytes: UnsafeRawBufferPointer
  /// The offset of the next byte.
  package private(set) var offset: Int
  @usableFromInline let what: String

  /// A reader of `bytes`; `what` names them in errors ("header", "central directory").
  package init(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0, what: String) {
    self.bytes = bytes
    self.offset = offset
    self.what = what
  }

  /// Bytes that are left.
  package var remaining: Int { max(0, bytes.count - offset) }

  /// The next integer, little-endian.
  ///
  /// - Throws: ``CogError`` when the bytes end before it.
  @inlinable
  package mutating func read<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) throws -> Value {
    let size = MemoryLayout<Value>.size
    let slice = try take(size)
    return Value(littleEndian: slice.loadUnaligned(as: Value.self))
  }

  /// The next `count` bytes, not copied.
  ///
  /// - Throws: ``CogError`` when fewer are left.
  package mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
    guard offset >= 0, count >= 0, count <= remaining else {
      throw CogError(
        "the \(what) ends too early", expected: "\(count) bytes at offset \(offset)", found: "\(remaining)")
    }
    defer { offset += count }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
  }

  /// The next `count` bytes as UTF-8 text.
  ///
  /// - Throws: ``CogError`` when fewer are left or they are not UTF-8.
  package mutating func readText(_ count: Int) throws -> String {
    let start = offset
    guard let text = String(validating: try take(count), as: UTF8.self) else {
      throw CogError("the \(what) has text that is not UTF-8", subject: "offset \(start)")
    }
    return text
  }

  /// Skips `count` bytes. - Throws: ``CogError`` when fewer are left.
  package mutating func skip(_ count: Int) throws { _ = try take(count) }
}

/// Little-endian fields appended to a growing list of bytes; the twin of ``ByteReader``.
package struct ByteWriter: Sendable {
  /// What was written so far.
  package private(set) var bytes: [UInt8] = []

  /// An empty writer.
  package init() {}

  /// Appends an integer, little-endian.
  package mutating func write<Value: FixedWidthInteger>(_ value: Value) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Appends a 32-bit float, little-endian.
  package mutating func write(_ value: Float) { write(value.bitPattern) }

  /// Appends bytes as they are.
  package mutating func write(contentsOf more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

  /// Appends zeros until the length is a multiple of `alignment`.
  package mutating func pad(to alignment: Int) {
    let rest = bytes.count % alignment
    if rest != 0 { bytes.append(contentsOf: repeatElement(0, count: alignment - rest)) }
  }
}
