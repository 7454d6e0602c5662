import CLibAV
import CogBase

/// A frame that was decoded; valid only while it is handed over.
package struct DecodedFrame {
  /// Its number in presentation order.
  package let number: Int
  /// What the decoder says is wrong with the picture; nil where nothing is.
  package let damage: String?
  private let content: Content

  private enum Content {
    case image(RGBImage)
    case frame(UnsafeMutablePointer<AVFrame>, ColorConverter, Orientation)
  }

  /// A frame that is an image already.
  package init(number: Int, image: RGBImage, damage: String? = nil) {
    self.number = number
    self.damage = damage
    content = .image(image)
  }

  /// A frame of a decoder, which `converter` turns into colors and `orientation` upright.
  init(
    number: Int, frame: UnsafeMutablePointer<AVFrame>, converter: ColorConverter, orientation: Orientation,
    damage: String?
  ) {
    self.number = number
    self.damage = damage
    content = .frame(frame, converter, orientation)
  }

  /// The whole frame as an image, upright. - Throws: ``CogError`` when its colors cannot be converted.
  package func image() throws -> RGBImage {
    switch content {
    case .image(let image): image
    case .frame(let frame, let converter, let orientation):
      try converter.image(of: frame).oriented(orientation)
    }
  }

  /// The bytes of a PNG file of the whole frame, upright.
  ///
  /// - Throws: ``CogError`` when its colors cannot be converted, or libavcodec refuses the image.
  package func png() throws -> [UInt8] {
    guard let large else { return try PNGWriter.encode(image()) }
    return try PNGWriter.encode { try large.colors() }
  }

  /// The prepared image, as ``prepare(_:into:)`` writes it. - Throws: as that.
  package func prepared(_ preparation: ImagePreparation) throws -> [Float] {
    try [Float](unsafeUninitializedCapacity: preparation.valueCount) { output, count in
      try prepare(preparation, into: output)
      count = preparation.valueCount
    }
  }

  private var large: LargePicture? {
    guard case .frame(let frame, let converter, let orientation) = content else { return nil }
    return LargePicture(frame, converter, orientation)
  }

  /// Writes the frame as the vision tower reads it, `[3, size, size]`. Of a large frame only the rows that
  /// are needed are converted.
  ///
  /// - Throws: ``CogError`` when its colors cannot be converted.
  package func prepare(
    _ preparation: ImagePreparation, into output: UnsafeMutableBufferPointer<Float>
  ) throws {
    guard let large else { return preparation.prepare(try image(), into: output) }
    try preparation.prepare(large, into: output)
  }
}
