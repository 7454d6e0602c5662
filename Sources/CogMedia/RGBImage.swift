import CogBase

/// An image of 8-bit red, green and blue values, rows from the top, three bytes for each pixel.
package struct RGBImage: Equatable, Sendable {
  /// Columns, at least 1.
  package let width: Int
  /// Rows, at least 1.
  package let height: Int
  /// `height * width * 3` bytes: red, green, blue of the first pixel of the first row, and so on.
  package let pixels: [UInt8]

  /// An image of the given pixels.
  ///
  /// - Throws: ``CogError`` when a side is not positive or `pixels` has another length than the sides ask
  ///   for.
  package init(width: Int, height: Int, pixels: [UInt8]) throws {
    guard width > 0, height > 0 else {
      throw CogError("an image has no pixels", expected: "sides of 1 or more", found: "\(width) x \(height)")
    }
    let count = try Checked.multiply(Checked.multiply(width, height, "image"), 3, "image")
    guard pixels.count == count else {
      throw CogError("an image has the wrong number of bytes", expected: "\(count)", found: "\(pixels.count)")
    }
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// The red, green and blue value at a place, which must lie inside the image.
  package subscript(row: Int, column: Int) -> (red: UInt8, green: UInt8, blue: UInt8) {
    let first = (row * width + column) * 3
    return (pixels[first], pixels[first + 1], pixels[first + 2])
  }
}
