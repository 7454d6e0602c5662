/// The sizes of a tensor's dimensions, outermost first.
package struct Shape: Hashable, Sendable, CustomStringConvertible, ExpressibleByArrayLiteral, Codable {
  /// The sizes, outermost first; none is negative.
  package let dimensions: [Int]

  /// A shape whose sizes are known to be right: a programming error traps here, file input must use
  /// ``init(checking:)``.
  package init(_ dimensions: [Int]) {
    precondition(dimensions.allSatisfy { $0 >= 0 }, "a shape has no negative size")
    self.dimensions = dimensions
  }

  /// A shape written as a literal such as `[4096, 128]`.
  package init(arrayLiteral elements: Int...) { self.init(elements) }

  /// A shape read from a file.
  ///
  /// - Throws: ``CogError`` when a size is negative or the number of elements does not fit 63 bits.
  package init(checking dimensions: [Int]) throws {
    if let negative = dimensions.first(where: { $0 < 0 }) {
      throw CogError("a dimension is negative", expected: "sizes of 0 or more", found: "\(negative)")
    }
    self.dimensions = dimensions
    // Zeros are left out: a 0 in front would hide that the other sizes overflow in ``columns``.
    _ = try dimensions.filter { $0 != 0 }.reduce(1) {
      try Checked.multiply($0, $1, "number of elements of shape \(dimensions)")
    }
  }

  /// Decodes a list of sizes with the checks of ``init(checking:)``.
  package init(from decoder: any Decoder) throws {
    try self.init(checking: [Int](from: decoder))
  }

  /// Encodes the list of sizes.
  package func encode(to encoder: any Encoder) throws { try dimensions.encode(to: encoder) }

  /// The number of dimensions; 0 for a scalar.
  package var rank: Int { dimensions.count }

  /// The number of elements; 1 for a scalar. Safe after ``init(checking:)``.
  package var elementCount: Int { dimensions.reduce(1, *) }

  /// The number of elements with overflow reported.
  package func checkedElementCount() throws -> Int {
    try dimensions.reduce(1) { try Checked.multiply($0, $1, "number of elements of shape \(dimensions)") }
  }

  /// Bytes that a contiguous tensor of this shape takes, a started byte counted whole.
  ///
  /// - Throws: ``CogError`` when the number does not fit 63 bits.
  package func byteCount(of type: ElementType) throws -> Int {
    let bits = try Checked.multiply(checkedElementCount(), type.bitWidth, "bits of shape \(dimensions)")
    return try Checked.add(bits, 7, "bits of shape \(dimensions)") / 8
  }

  /// Rows when seen as a matrix `[first, everything else]`, as a linear or a convolution weight is.
  package var rows: Int { dimensions.first ?? 1 }

  /// Columns when seen as a matrix `[first, everything else]`.
  package var columns: Int { dimensions.dropFirst().reduce(1, *) }

  /// The sizes as PyTorch prints them: `[4096, 128]`.
  package var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }
}
