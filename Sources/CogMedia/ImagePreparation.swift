import CogBase

/// Turns a decoded frame into what the vision tower reads.
///
/// The steps and their order are those of the published code (`load_video` and its transform with
/// `NormalizeVideo`, `ShortSideScale` and `CenterCropVideo`), all in 32-bit floats:
/// divide by 255; subtract the mean and divide by the standard deviation of each channel; scale the short
/// side to `size` and the long side to floor(long / short * size), bilinear with half-pixel centers and
/// without antialiasing; cut out the middle, the offset round((n - size) / 2) with halves to even.
///
/// Only the pixels that the crop keeps are computed, so memory does not grow with the shape of the frame.
package struct ImagePreparation: Equatable, Sendable {
  /// Rows and columns of a prepared image.
  package let size: Int
  /// Means of red, green and blue, of values from 0 to 1.
  package static let mean: [Float] = [0.48145466, 0.4578275, 0.40821073]
  /// Standard deviations of red, green and blue, of values from 0 to 1.
  package static let standardDeviation: [Float] = [0.26862954, 0.26130258, 0.27577711]

  /// A preparation for images of `size` by `size` pixels; the published models take 224.
  ///
  /// - Throws: ``CogError`` when `size` is not between 1 and 8192.
  package init(size: Int = 224) throws {
    guard (1...8192).contains(size) else {
      throw CogError("the image size is out of range", expected: "1 to 8192", found: "\(size)")
    }
    self.size = size
  }

  /// Values of a prepared image: three planes.
  package var valueCount: Int { 3 * size * size }

  /// The prepared image, `[3, size, size]`: all red values row by row, then green, then blue.
  package func prepare(_ image: RGBImage) -> [Float] {
    [Float](unsafeUninitializedCapacity: valueCount) { output, count in
      prepare(image, into: output)
      count = valueCount
    }
  }

  /// Writes the prepared image, `[3, size, size]`, to memory for ``valueCount`` values.
  package func prepare(_ image: RGBImage, into output: UnsafeMutableBufferPointer<Float>) {
    prepare(
      image, LinearTaps(image.height, otherSide: image.width, size: size),
      LinearTaps(image.width, otherSide: image.height, size: size), into: output)
  }

  /// Writes the prepared picture: the same values as of the whole image, from the pixels that they need.
  ///
  /// - Throws: ``CogError`` when the colors cannot be converted.
  func prepare(_ picture: LargePicture, into output: UnsafeMutableBufferPointer<Float>) throws {
    let vertical = LinearTaps(picture.height, otherSide: picture.width, size: size)
    let horizontal = LinearTaps(picture.width, otherSide: picture.height, size: size)
    let (rows, columns) = (vertical.needed, horizontal.needed)
    let image = try picture.image(rows: rows, columns: columns)
    prepare(image, vertical.picked(from: rows), horizontal.picked(from: columns), into: output)
  }

  private func prepare(
    _ image: RGBImage, _ vertical: LinearTaps, _ horizontal: LinearTaps,
    into output: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(output.count >= valueCount, "a prepared image has three planes")
    let normalized = Self.normalizedLevels
    let area = size * size
    for row in 0..<size {
      let upper = vertical.first[row] * image.width
      let lower = vertical.second[row] * image.width
      let (upperWeight, lowerWeight) = (vertical.firstWeight[row], vertical.secondWeight[row])
      for column in 0..<size {
        let (left, right) = (horizontal.first[column], horizontal.second[column])
        let (leftWeight, rightWeight) = (horizontal.firstWeight[column], horizontal.secondWeight[column])
        for channel in 0..<3 {
          func value(_ pixel: Int) -> Float {
            normalized[channel * 256 + Int(image.pixels[pixel * 3 + channel])]
          }
          let above = leftWeight * value(upper + left) + rightWeight * value(upper + right)
          let below = leftWeight * value(lower + left) + rightWeight * value(lower + right)
          output[channel * area + row * size + column] = upperWeight * above + lowerWeight * below
        }
      }
    }
  }

  /// A prepared image as a viewable image: the normalization undone, rounded to 8 bits.
  ///
  /// - Throws: ``CogError`` when `planes` is not `[3, size, size]`.
  package func picture(of planes: [Float]) throws -> RGBImage {
    let area = size * size
    guard planes.count == 3 * area else {
      throw CogError(
        "a prepared image has the wrong number of values", expected: "\(3 * area)", found: "\(planes.count)")
    }
    var pixels = [UInt8](repeating: 0, count: 3 * area)
    for index in 0..<area {
      for channel in 0..<3 {
        let level =
          (planes[channel * area + index] * Self.standardDeviation[channel] + Self.mean[channel]) * 255
        pixels[index * 3 + channel] = level.isNaN ? 0 : UInt8(min(255, max(0, level.rounded())))
      }
    }
    return try RGBImage(width: size, height: size, pixels: pixels)
  }

  /// The normalized value of each of the 256 levels of each channel, `[3, 256]`.
  private static let normalizedLevels: [Float] = (0..<3).flatMap { channel in
    (0..<256).map { (Float($0) / 255 - mean[channel]) / standardDeviation[channel] }
  }
}

/// For each kept pixel along one side: the two source pixels that it lies between, and their weights.
///
/// Source: `torch.nn.functional.interpolate(mode="bilinear", align_corners=False)` with a size given,
/// followed by the center crop.
private struct LinearTaps {
  var first: [Int] = []
  var second: [Int] = []
  var firstWeight: [Float] = []
  var secondWeight: [Float] = []

  /// - Parameters:
  ///   - side: source pixels along this side.
  ///   - otherSide: source pixels along the other side; the shorter of the two is scaled to `size`.
  ///   - size: kept pixels.
  init(_ side: Int, otherSide: Int, size: Int) {
    let scaledSide =
      side > otherSide ? Int((Double(side) / Double(otherSide) * Double(size)).rounded(.down)) : size
    let offset = Int((Double(scaledSide - size) / 2).rounded(.toNearestOrEven))
    let scale = Float(side) / Float(scaledSide)
    for index in 0..<size {
      let position = max(0, scale * (Float(index + offset) + 0.5) - 0.5)
      let low = min(Int(position), side - 1)
      let weight = min(max(position - Float(low), 0), 1)
      first.append(low)
      second.append(min(low + 1, side - 1))
      firstWeight.append(1 - weight)
      secondWeight.append(weight)
    }
  }

  /// The source pixels that are needed, in ascending order.
  var needed: [Int] { Set(first + second).sorted() }

  /// The same of an image that has the given source pixels only.
  func picked(from needed: [Int]) -> LinearTaps {
    let places = Dictionary(uniqueKeysWithValues: needed.enumerated().map { ($1, $0) })
    var taps = self
    taps.first = first.map { places[$0] ?? 0 }
    taps.second = second.map { places[$0] ?? 0 }
    return taps
  }
}
