/// How the stored rows and columns of a picture are shown: the values of the EXIF tag `Orientation`
/// (EXIF 2.32, 4.6.4 A), in which the first row is the side and the first column the edge that are named.
enum Orientation: Int, CaseIterable {
  /// As stored: the first row is on top, the first column at the left.
  case upright = 1
  /// Top, right: mirrored.
  case mirrored = 2
  /// Bottom, right: turned by half.
  case half = 3
  /// Bottom, left: upside down, mirrored.
  case flipped = 4
  /// Left, top: rows and columns change places.
  case transposed = 5
  /// Right, top: turned clockwise by a quarter.
  case quarter = 6
  /// Right, bottom: rows and columns change places, turned by half.
  case transversed = 7
  /// Left, bottom: turned counterclockwise by a quarter.
  case threeQuarters = 8

  /// The orientation of a file that says to turn it clockwise by so many degrees; only right angles count.
  init(clockwiseDegrees degrees: Double) {
    guard degrees.isFinite else {
      self = .upright
      return
    }
    let turn = Int(degrees.truncatingRemainder(dividingBy: 360).rounded())
    self =
      switch turn < 0 ? turn + 360 : turn {
      case 90: .quarter
      case 180: .half
      case 270: .threeQuarters
      default: .upright
      }
  }

  /// Whether width and height change places.
  var swapsSides: Bool { rawValue >= 5 }
  /// Whether the first row as stored is shown last (of columns, where sides change places).
  var flipsRows: Bool { [.half, .flipped, .quarter, .transversed].contains(self) }
  /// Whether the first column as stored is shown last (of rows, where sides change places).
  var flipsColumns: Bool { [.mirrored, .half, .transversed, .threeQuarters].contains(self) }
}

extension Orientation {
  /// Writes rows of a picture as stored to where they are shown, three bytes for each pixel.
  ///
  /// - Parameters:
  ///   - rows: which rows they are.
  ///   - pixels: the first of them; one follows upon another.
  ///   - size: columns and rows of the whole picture as stored.
  ///   - target: the whole picture as shown.
  ///   - stride: bytes from one row of `target` to the next.
  func place(
    _ rows: Range<Int>, _ pixels: UnsafePointer<UInt8>, size: (width: Int, height: Int),
    into target: UnsafeMutablePointer<UInt8>, stride: Int
  ) {
    // How far the target moves with each row and column as stored, and where pixel (0, 0) comes to lie.
    let (rowStep, columnStep) = swapsSides ? (3, stride) : (stride, 3)
    let (down, right) = (flipsRows ? -rowStep : rowStep, flipsColumns ? -columnStep : columnStep)
    let start =
      target + (flipsRows ? (size.height - 1) * rowStep : 0)
      + (flipsColumns ? (size.width - 1) * columnStep : 0)
    func copy(_ row: Int, _ column: Int) {
      let source = pixels + ((row - rows.lowerBound) * size.width + column) * 3
      let place = start + (row * down + column * right)
      for channel in 0..<3 { place[channel] = source[channel] }
    }
    // The target in the order in which it lies in memory.
    if swapsSides {
      for column in 0..<size.width { for row in rows { copy(row, column) } }
    } else {
      for row in rows { for column in 0..<size.width { copy(row, column) } }
    }
  }
}

extension RGBImage {
  /// The image as it is shown.
  func oriented(_ orientation: Orientation) throws -> RGBImage {
    guard orientation != .upright else { return self }
    let (newWidth, newHeight) = orientation.swapsSides ? (height, width) : (width, height)
    let turned = [UInt8](unsafeUninitializedCapacity: pixels.count) { output, count in
      pixels.withUnsafeBufferPointer { pixels in
        guard let pixels = pixels.baseAddress, let target = output.baseAddress else { return }
        orientation.place(0..<height, pixels, size: (width, height), into: target, stride: newWidth * 3)
        count = output.count
      }
    }
    return try RGBImage(width: newWidth, height: newHeight, pixels: turned)
  }
}
