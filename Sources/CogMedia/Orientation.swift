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

extension RGBImage {
  /// The image as it is shown.
  func oriented(_ orientation: Orientation) throws -> RGBImage {
    guard orientation != .upright else { return self }
    let (newWidth, newHeight) = orientation.swapsSides ? (height, width) : (width, height)
    let (down, right) = (orientation.flipsRows ? -width : width, orientation.flipsColumns ? -1 : 1)
    // Where pixel (0, 0) of the result comes from, and how the source moves with each column and row.
    let start =
      (orientation.flipsRows ? (height - 1) * width : 0) + (orientation.flipsColumns ? width - 1 : 0)
    let (columnStep, rowStep) = orientation.swapsSides ? (down, right) : (right, down)
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
