/// A text from a file as a key that is compared by its bytes.
///
/// To compare texts, Swift normalizes them, which takes long for hostile ones, and finds some equal that are
/// spelled otherwise.
package struct ByteKey: Hashable, Sendable {
  /// The text.
  package let text: String

  /// The key of a text.
  package init(_ text: String) { self.text = text }

  /// Whether the bytes are the same.
  package static func == (a: ByteKey, b: ByteKey) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

  /// Feeds the bytes.
  package func hash(into hasher: inout Hasher) {
    var copy = text
    copy.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
