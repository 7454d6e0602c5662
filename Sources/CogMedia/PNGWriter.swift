import CLibAV
import CogBase

/// Writes images as PNG files, with libavcodec's encoder.
package enum PNGWriter {
  /// The bytes of a PNG file that shows `image`, 8 bits for each of red, green and blue.
  ///
  /// - Throws: `CogError` when libavcodec has no PNG encoder or refuses the image.
  package static func encode(_ image: RGBImage) throws -> [UInt8] {
    LibAV.prepare
    guard let width = Int32(exactly: image.width), let height = Int32(exactly: image.height) else {
      throw CogError("the image is too large for a PNG file", found: "\(image.width) x \(image.height)")
    }
    let frame = try FrameHolder(width: width, height: height)
    guard let (rows, stride) = frame.rows else { throw LibAV.outOfMemory("an image") }
    let rowBytes = image.width * 3
    image.pixels.withUnsafeBufferPointer { pixels in
      for row in 0..<image.height {
        let source = UnsafeBufferPointer(rebasing: pixels[row * rowBytes..<(row + 1) * rowBytes])
        _ = UnsafeMutableBufferPointer(start: rows + row * stride, count: rowBytes).update(from: source)
      }
    }
    return try encode { frame }
  }

  /// The same of a frame of colors (RGB24), which is let go once it is encoded.
  ///
  /// - Throws: as ``encode(_:)-(RGBImage)``; what `frame` throws.
  static func encode(_ frame: () throws -> FrameHolder) throws -> [UInt8] {
    // A large picture, its encoder and its file are not in memory all at once.
    let packet = try Encoder.packet(of: frame())
    guard let data = packet.pointer.pointee.data else { throw LibAV.outOfMemory("a PNG file") }
    return Array(UnsafeBufferPointer(start: data, count: Int(packet.pointer.pointee.size)))
  }
}

/// An opened PNG encoder, freed with the object.
private final class Encoder {
  private let context: UnsafeMutablePointer<AVCodecContext>

  /// What the encoder makes of a frame.
  static func packet(of frame: FrameHolder) throws -> PacketHolder {
    let encoder = try Encoder(width: frame.pointer.pointee.width, height: frame.pointer.pointee.height)
    return try encoder.encode(frame)
  }

  private init(width: Int32, height: Int32) throws {
    guard let codec = avcodec_find_encoder(AV_CODEC_ID_PNG) else {
      throw CogError("libavcodec has no PNG encoder", advice: "Install libavcodec built with zlib.")
    }
    guard let allocated = avcodec_alloc_context3(codec) else { throw LibAV.outOfMemory("a PNG encoder") }
    context = allocated
    context.pointee.width = width
    context.pointee.height = height
    context.pointee.pix_fmt = AV_PIX_FMT_RGB24
    // Required to be set, without a meaning for a still image.
    context.pointee.time_base = AVRational(num: 1, den: 1)
    LibAV.forgetLog()
    let status = avcodec_open2(context, codec, nil)
    guard status >= 0 else { throw CogError("the image cannot be written as PNG: \(LibAV.reason(status))") }
  }

  deinit {
    var freed: UnsafeMutablePointer<AVCodecContext>? = context
    avcodec_free_context(&freed)
  }

  private func encode(_ frame: FrameHolder) throws -> PacketHolder {
    let packet = try PacketHolder()
    LibAV.forgetLog()
    var status = avcodec_send_frame(context, frame.pointer)
    if status >= 0 { status = avcodec_receive_packet(context, packet.pointer) }
    guard status >= 0 else { throw CogError("the image cannot be written as PNG: \(LibAV.reason(status))") }
    return packet
  }
}
