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

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }
}
