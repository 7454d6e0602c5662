extension String {
  /// The text with control characters, line separators and marks that change the direction of text shown as
  /// escapes: names from a file cannot break a line or steer the terminal. Bytes of a path are ``shown``.
  package var printable: String {
    guard isEscaped || unicodeScalars.contains(where: Self.isControl) else { return self }
    return shown.unicodeScalars.reduce(into: "") { text, scalar in
      if Self.isControl(scalar) {
        text += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
  }

  /// The text, or the beginning of one of more than a thousand bytes, with its length: a name from a file may
  /// have millions.
  package var shortened: String {
    let (longest, kept) = (1000, 900)
    guard utf8.count > longest else { return self }
    return "\(String(decoding: utf8.prefix(kept), as: UTF8.self))... (\(utf8.count) bytes)"
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }
}
