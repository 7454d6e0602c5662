import CLibAV
import CogBase

/// Decoded frames to RGB, pixel by pixel what FFmpeg's `scale` filter makes of them with bilinear chroma.
///
/// decord sends frames through that filter (libavfilter/vf_scale.c): the matrix follows the frame's color
/// space, BT.601 where it is not stated, and the range follows the frame.
final class ColorConverter {
  /// What a conversion depends on; frames of one stream may differ.
  private struct Source: Equatable {
    let width: Int32
    let height: Int32
    let format: Int32
    let colorSpace: AVColorSpace
    let range: AVColorRange
  }

  /// Columns of the images.
  let width: Int32
  /// Rows of the images.
  let height: Int32
  private let output: FrameHolder
  private var scaler: (source: Source, context: Scaler)?

  /// A converter to images of `width` by `height`; frames of another size are scaled.
  ///
  /// - Throws: ``CogError`` when there is no memory for the image.
  init(width: Int32, height: Int32) throws {
    self.width = width
    self.height = height
    output = try FrameHolder(width: width, height: height)
  }

  /// The frame as an image.
  ///
  /// - Throws: ``CogError`` when libswscale does not know the pixel format.
  func image(of frame: UnsafeMutablePointer<AVFrame>) throws -> RGBImage {
    let source = Source(
      width: frame.pointee.width, height: frame.pointee.height, format: frame.pointee.format,
      colorSpace: frame.pointee.colorspace, range: frame.pointee.color_range)
    let context: Scaler
    if let scaler, scaler.source == source {
      context = scaler.context
    } else {
      context = try makeScaler(source)
      scaler = (source, context)
    }
    LibAV.forgetLog()
    let status = libav_scaler_scale(context.pointer, output.pointer, frame)
    guard status >= 0 else { throw CogError("the colors cannot be converted: \(LibAV.reason(status))") }
    return try copyOutput()
  }

  private func copyOutput() throws -> RGBImage {
    guard let (rows, stride) = output.rows else { throw LibAV.outOfMemory("an image") }
    let rowBytes = Int(width) * 3
    let pixels = [UInt8](unsafeUninitializedCapacity: rowBytes * Int(height)) { buffer, count in
      for row in 0..<Int(height) {
        let target = UnsafeMutableBufferPointer(rebasing: buffer[row * rowBytes..<(row + 1) * rowBytes])
        _ = target.initialize(from: UnsafeBufferPointer(start: rows + row * stride, count: rowBytes))
      }
      count = rowBytes * Int(height)
    }
    return try RGBImage(width: Int(width), height: Int(height), pixels: pixels)
  }

  private func makeScaler(_ source: Source) throws -> Scaler {
    guard source.width > 0, source.height > 0, sws_isSupportedInput(AVPixelFormat(source.format)) != 0 else {
      let name = av_get_pix_fmt_name(AVPixelFormat(source.format)).map { String(cString: $0) }
      throw CogError("the pixel format cannot be converted to RGB", found: name ?? "format \(source.format)")
    }
    let context = try Scaler()
    let chromaRows = libav_scaler_chroma_rows(AVPixelFormat(source.format), source.height != height)
    let options: [(String, Int64)] = [
      ("srcw", Int64(source.width)), ("srch", Int64(source.height)), ("src_format", Int64(source.format)),
      ("dstw", Int64(width)), ("dsth", Int64(height)), ("dst_format", Int64(AV_PIX_FMT_RGB24.rawValue)),
      ("sws_flags", libav_scaler_bilinear()), ("src_v_chr_pos", chromaRows),
    ]
    LibAV.forgetLog()
    for (name, value) in options { libav_scaler_set(context.pointer, name, value) }
    let status = libav_scaler_open(context.pointer)
    guard status >= 0 else { throw CogError("the colors cannot be converted: \(LibAV.reason(status))") }
    // libswscale refuses for formats that have neither matrix nor range, such as RGB; that is no error.
    libav_scaler_set_colors(context.pointer, Self.matrix(source.colorSpace), Self.isFullRange(source.range))
    return context
  }

  /// As vf_scale does: color spaces that libswscale has no matrix for count as BT.601.
  private static func matrix(_ space: AVColorSpace) -> Int32 {
    let number = Int32(space.rawValue)
    let isKnown = (1...10).contains(number) && number != Int32(AVCOL_SPC_YCGCO.rawValue)
    return isKnown ? number : Int32(AVCOL_SPC_BT470BG.rawValue)
  }

  /// 1 or 0, and -1 where the frame does not say.
  private static func isFullRange(_ range: AVColorRange) -> Int32 {
    guard range != AVCOL_RANGE_UNSPECIFIED else { return -1 }
    return range == AVCOL_RANGE_JPEG ? 1 : 0
  }
}

/// A context of libswscale, freed with the object.
private final class Scaler {
  let pointer: OpaquePointer

  init() throws {
    guard let context = libav_scaler_alloc() else { throw LibAV.outOfMemory("a color conversion") }
    pointer = context
  }

  deinit { libav_scaler_free(pointer) }
}
