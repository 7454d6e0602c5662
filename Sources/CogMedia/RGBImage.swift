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

/// How far a picture is turned clockwise before it is shown; a file's rotation metadata says so.
enum Rotation: Int {
  case none = 0
  case quarter = 90
  case half = 180
  case threeQuarters = 270

  /// Whether width and height change places.
  var swapsSides: Bool { self == .quarter || self == .threeQuarters }
}

extension RGBImage {
  /// The image turned clockwise.
  func rotated(by rotation: Rotation) throws -> RGBImage {
    guard rotation != .none else { return self }
    let (newWidth, newHeight) = rotation.swapsSides ? (height, width) : (width, height)
    // Where pixel (0, 0) of the result comes from, and how the source moves with each column and row.
    let (start, columnStep, rowStep) =
      switch rotation {
      case .none: (0, 1, width)
      case .quarter: ((height - 1) * width, -width, 1)
      case .half: (width * height - 1, -1, -width)
      case .threeQuarters: (width - 1, width, -1)
      }
    let turned = [UInt8](unsafeUninitializedCapacity: pixels.count) { output, count in
      var next = 0
      for row in 0..<newHeight {
        var source = start + row * rowStep
        for _ in 0..<newWidth {
          for channel in 0..<3 { output[next + channel] = pixels[source * 3 + channel] }
          next += 3
          source += columnStep
        }
      }
      count = next
    }
    return try RGBImage(width: newWidth, height: newHeight, pixels: turned)
  }
}
