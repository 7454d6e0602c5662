import CLibAV
import CogBase

/// A file that holds one picture, decoded.
struct StillPicture {
  /// What the decoder says is wrong with it, or nil.
  let damage: String?
  private let path: String
  private let orientation: Orientation
  private let decoder: FrameDecoder
  private let frame: UnsafeMutablePointer<AVFrame>

  /// Decodes a picture.
  ///
  /// - Throws: ``CogError`` when this is none, or it cannot be decoded at all; what `cancellation` throws.
  init(_ path: String, cancellation: any Cancellation) throws {
    self.path = path
    (decoder, frame) = try naming(file: path) {
      let input = try MediaInput(path: path, cancellation: cancellation, findsStreams: false)
      guard input.isPicture else {
        throw CogError(
          "this is no image", file: path, expected: "an image such as PNG, JPEG, WebP or TIFF",
          found: "a file of format \(input.formatName)", advice: "Take it out of the folder.")
      }
      let decoder = try FrameDecoder(input: input, hasTimes: false)
      guard let frame = try decoder.next() else {
        throw CogError(
          "the image cannot be decoded", code: .damaged, found: decoder.lost(at: 0),
          advice: "Copy or export it again.")
      }
      return (decoder, frame)
    }
    damage = decoder.damage
    orientation = EXIFReader.orientation(ofFile: path)
  }

  /// Columns and rows as shown.
  var size: (width: Int, height: Int) {
    let (width, height) = (Int(frame.pointee.width), Int(frame.pointee.height))
    return orientation.swapsSides ? (height, width) : (width, height)
  }

  /// The error for a damaged picture.
  func refusal(_ damage: String, subject: String? = nil) -> CogError {
    CogError(
      "the image is damaged: \(damage)", code: .damaged, file: path, subject: subject,
      advice: "Copy or export it again, or show it as it is with --tolerate-damage.")
  }

  /// Shows the picture to `body` as a frame of a video. - Throws: what `body` throws.
  func withFrame(number: Int, _ body: (DecodedFrame) throws -> Void) throws {
    try naming(file: path) {
      try withExtendedLifetime(decoder) {
        let converter = try ColorConverter(width: frame.pointee.width, height: frame.pointee.height)
        try body(
          DecodedFrame(
            number: number, frame: frame, converter: converter, orientation: orientation, damage: damage))
      }
    }
  }
}
