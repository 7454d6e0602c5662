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

  /// Writes the frame as the vision tower reads it, `[3, size, size]`. Of a large frame only the rows that
  /// are needed are converted.
  ///
  /// - Throws: ``CogError`` when its colors cannot be converted.
  package func prepare(
    _ preparation: ImagePreparation, into output: UnsafeMutableBufferPointer<Float>
  ) throws {
    guard case .frame(let frame, let converter, let orientation) = content,
      let large = LargePicture(frame, converter, orientation)
    else { return preparation.prepare(try image(), into: output) }
    try preparation.prepare(large, into: output)
  }
}
