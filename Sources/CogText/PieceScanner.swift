/// Cuts text into the pieces that byte pairs are merged in: the matches of Llama 3's split pattern.
///
/// Every byte lies in exactly one piece. The pattern's alternatives are tried in its order at each position,
/// and each is a run of one class of scalars, so no backtracking is needed: time is linear in the text.
package struct PieceScanner {
  /// The pattern that this scanner stands for, as it is spelled in `tokenizer.json`.
  package static let pattern =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"#
    + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#

  /// Well-formed UTF-8.
  private let bytes: UnsafeBufferPointer<UInt8>
  private let end: Int
  private var position: Int

  /// Scans `range` of `bytes`, which must be well-formed UTF-8, as if nothing stood around it.
  package init(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
  }

  /// The range of the next piece's bytes, or nil at the end.
  package mutating func next() -> Range<Int>? {
    guard position < end else { return nil }
    let start = position
    position =
      contraction(at: start) ?? word(at: start) ?? digits(at: start) ?? symbols(at: start)
      ?? whiteSpace(at: start)
    return start..<position
  }

  /// One scalar, its class and where the next one starts.
  private struct Element {
    let scalar: Unicode.Scalar
    let kind: ScalarClass
    let next: Int

    var isLineEnd: Bool { scalar == "\r" || scalar == "\n" }
  }

  private func element(at offset: Int) -> Element? {
    guard offset < end else { return nil }
    let first = bytes[offset]
    if first < 0x80 {
      let scalar = Unicode.Scalar(first)
      return Element(scalar: scalar, kind: ScalarClass(scalar), next: offset + 1)
    }
    let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    let next = min(offset + length, end)
    // The lead byte keeps 7 - length bits of the value.
    var value = UInt32(first) & (0x7F >> UInt32(length))
    for byte in bytes[offset + 1..<next] { value = value << 6 | UInt32(byte & 0x3F) }
    let scalar = Unicode.Scalar(value) ?? "\u{FFFD}"
    return Element(scalar: scalar, kind: ScalarClass(scalar), next: next)
  }

  /// The end of the run of scalars from `offset` for which `belongs` holds.
  private func run(from offset: Int, while belongs: (Element) -> Bool) -> Int {
    var offset = offset
    while let element = element(at: offset), belongs(element) { offset = element.next }
    return offset
  }

  /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)`; the long s U+017F is an s to a pattern that ignores case.
  private func contraction(at start: Int) -> Int? {
    guard bytes[start] == UInt8(ascii: "'"), let first = element(at: start + 1) else { return nil }
    switch first.scalar {
    case "s", "S", "\u{17F}", "t", "T", "m", "M", "d", "D": return first.next
    case "r", "R", "v", "V": return follows(first.next, "e", "E")
    case "l", "L": return follows(first.next, "l", "L")
    default: return nil
    }
  }

  private func follows(_ offset: Int, _ lower: Unicode.Scalar, _ upper: Unicode.Scalar) -> Int? {
    guard let element = element(at: offset), element.scalar == lower || element.scalar == upper else {
      return nil
    }
    return element.next
  }

  /// `[^\r\n\p{L}\p{N}]?\p{L}+`.
  private func word(at start: Int) -> Int? {
    guard let first = element(at: start) else { return nil }
    var letters = start
    if first.kind != .letter {
      guard first.kind != .number, !first.isLineEnd else { return nil }
      letters = first.next
    }
    let end = run(from: letters) { $0.kind == .letter }
    return end > letters ? end : nil
  }

  /// `\p{N}{1,3}`.
  private func digits(at start: Int) -> Int? {
    var offset = start
    for _ in 0..<3 {
      guard let element = element(at: offset), element.kind == .number else { break }
      offset = element.next
    }
    return offset > start ? offset : nil
  }

  /// ` ?[^\s\p{L}\p{N}]+[\r\n]*`.
  private func symbols(at start: Int) -> Int? {
    let first = bytes[start] == UInt8(ascii: " ") ? start + 1 : start
    let last = run(from: first) { $0.kind == .other }
    return last > first ? run(from: last) { $0.isLineEnd } : nil
  }

  /// `\s*[\r\n]+|\s+(?!\S)|\s+`: up to the last line end of the run; else the run, which leaves its last
  /// scalar to what follows unless the text ends there or the run is that scalar.
  private func whiteSpace(at start: Int) -> Int {
    var offset = start
    var last = start
    var afterLineEnd: Int?
    while let element = element(at: offset), element.kind == .space {
      last = offset
      offset = element.next
      if element.isLineEnd { afterLineEnd = offset }
    }
    if let afterLineEnd { return afterLineEnd }
    return offset == end || last == start ? offset : last
  }
}
