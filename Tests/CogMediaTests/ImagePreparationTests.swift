import CogBase
import CogMedia
import CogTestSupport
import Foundation
import Testing

/// The same preparation in the plainest way, in 64-bit floats: the whole scaled image is made, then cropped.
private func plainPreparation(_ image: RGBImage, size: Int) -> [Double] {
  func normalized(_ row: Int, _ column: Int, _ channel: Int) -> Double {
    let level = Double(image.pixels[(row * image.width + column) * 3 + channel]) / 255
    return (level - Double(ImagePreparation.mean[channel]))
      / Double(ImagePreparation.standardDeviation[channel])
  }
  let (width, height) = (image.width, image.height)
  let scaledWidth =
    width > height ? Int((Double(width) / Double(height) * Double(size)).rounded(.down)) : size
  let scaledHeight =
    height > width ? Int((Double(height) / Double(width) * Double(size)).rounded(.down)) : size
  func sample(_ row: Int, _ column: Int, _ channel: Int) -> Double {
    let y = max(0, (Double(row) + 0.5) * Double(height) / Double(scaledHeight) - 0.5)
    let x = max(0, (Double(column) + 0.5) * Double(width) / Double(scaledWidth) - 0.5)
    let (top, left) = (Int(y), Int(x))
    let (bottom, right) = (min(top + 1, height - 1), min(left + 1, width - 1))
    let (v, u) = (y - Double(top), x - Double(left))
    let above = (1 - u) * normalized(top, left, channel) + u * normalized(top, right, channel)
    let below = (1 - u) * normalized(bottom, left, channel) + u * normalized(bottom, right, channel)
    return (1 - v) * above + v * below
  }
  let top = Int((Double(scaledHeight - size) / 2).rounded(.toNearestOrEven))
  let left = Int((Double(scaledWidth - size) / 2).rounded(.toNearestOrEven))
  var planes: [Double] = []
  for channel in 0..<3 {
    for row in 0..<size {
      for column in 0..<size { planes.append(sample(top + row, left + column, channel)) }
    }
  }
  return planes
}

private func randomImage(_ width: Int, _ height: Int) throws -> RGBImage {
  try RGBImage(
    width: width, height: height, pixels: (0..<width * height * 3).map { _ in UInt8.random(in: 0...255) })
}

@Suite("Image preparation")
struct ImagePreparationTests {
  @Test("levels are divided by 255 and normalized by channel")
  func normalization() throws {
    let image = try RGBImage(width: 1, height: 1, pixels: [255, 0, 128])
    let planes = try ImagePreparation(size: 1).prepare(image)
    let red: Float = (1 - 0.48145466) / 0.26862954
    let green: Float = (0 - 0.4578275) / 0.26130258
    let blue: Float = (Float(128) / 255 - 0.40821073) / 0.27577711
    #expect(planes == [red, green, blue])
  }

  @Test("an image of the right size is only normalized")
  func identity() throws {
    let image = try randomImage(6, 6)
    let preparation = try ImagePreparation(size: 6)
    #expect(try preparation.picture(of: preparation.prepare(image)) == image)
  }

  @Test("scaling up uses half-pixel centers and repeats the border")
  func halfPixelCenters() throws {
    // One row of levels 0 and 200, doubled: 0, 50, 150, 200.
    let image = try RGBImage(width: 2, height: 2, pixels: [0, 0, 0, 200, 200, 200, 0, 0, 0, 200, 200, 200])
    let preparation = try ImagePreparation(size: 4)
    let picture = try preparation.picture(of: preparation.prepare(image))
    #expect((0..<4).map { picture[1, $0].green } == [0, 50, 150, 200])
  }

  @Test(
    "the crop offset rounds halves to the even number",
    arguments: [(4, 0), (5, 0), (6, 1), (7, 2), (8, 2), (9, 2), (10, 3)])
  func cropOffset(width: Int, offset: Int) throws {
    // A ramp of `width` by 4 pixels is not scaled: the crop shows where it starts.
    let pixels = (0..<4).flatMap { _ in (0..<width).flatMap { [UInt8](repeating: UInt8($0 * 10), count: 3) } }
    let preparation = try ImagePreparation(size: 4)
    let wide = try RGBImage(width: width, height: 4, pixels: pixels)
    let picture = try preparation.picture(of: preparation.prepare(wide))
    #expect((0..<4).map { Int(picture[0, $0].red) } == (0..<4).map { (offset + $0) * 10 })
  }

  @Test(
    "any shape agrees with the plain twin",
    arguments: [
      (320, 240), (240, 320), (37, 53), (640, 360), (224, 224), (225, 224), (1, 1), (3, 900), (900, 3),
      (7, 8),
    ])
  func plainTwin(width: Int, height: Int) throws {
    let size = 28
    let image = try randomImage(width, height)
    let planes = try ImagePreparation(size: size).prepare(image)
    let plain = plainPreparation(image, size: size).map(Float.init)
    // The source positions of wide images are rounded to 32 bits, times the contrast of random neighbors.
    #expect(largestDifference(planes, plain) < 5e-4)
  }

  @Test("values that no image has are cut to the range of levels")
  func pictureClamps() throws {
    let picture = try ImagePreparation(size: 1).picture(of: [1e30, -1e30, .nan])
    #expect(picture.pixels == [255, 0, 0])
  }

  @Test("wrong sizes are errors")
  func wrongSizes() throws {
    #expect(throws: CogError.self) { try ImagePreparation(size: 0) }
    #expect(throws: CogError.self) { try ImagePreparation(size: 1 << 40) }
    #expect(throws: CogError.self) { try RGBImage(width: 2, height: 2, pixels: [1, 2, 3]) }
    #expect(throws: CogError.self) { try RGBImage(width: 0, height: 0, pixels: []) }
    #expect(throws: CogError.self) { try RGBImage(width: Int.max, height: 2, pixels: []) }
    #expect(throws: CogError.self) { try ImagePreparation(size: 2).picture(of: [1]) }
  }
}
