import CLibAV
import CogBase
import Glibc

/// What all uses of FFmpeg's libraries share: silence on standard error, and error texts.
enum LibAV {
  /// Pixels of the largest frame of a video that is decoded: 8192 by 8192.
  static let maximumPixels = 1 << 26
  /// Pixels of the largest still picture that is decoded: photos have up to 108 million.
  static let maximumPicturePixels = 1 << 27

  /// The last error that a library logged on a thread.
  private final class ThreadLog {
    var text: String?
    /// Whether a reader of containers has logged it.
    var isOfContainer = false
  }

  /// Under which each thread keeps its ``ThreadLog``: what others log meanwhile must not hide its own.
  private static let threadLogKey: pthread_key_t? = {
    var key = pthread_key_t()
    let status = pthread_key_create(&key) { pointer in
      if let pointer { Unmanaged<ThreadLog>.fromOpaque(pointer).release() }
    }
    return status == 0 ? key : nil
  }()

  /// The log of the thread that asks.
  private static var threadLog: ThreadLog {
    guard let key = threadLogKey else { return ThreadLog() }
    if let known = pthread_getspecific(key) {
      return Unmanaged<ThreadLog>.fromOpaque(known).takeUnretainedValue()
    }
    let new = Unmanaged.passRetained(ThreadLog())
    defer { if pthread_getspecific(key) == nil { new.release() } }
    pthread_setspecific(key, new.toOpaque())
    return new.takeUnretainedValue()
  }

  /// Silences the log and bounds single allocations, once: for the whole process, as the libraries have it,
  /// which `CogVLM.docc` tells programs that use them too.
  static let prepare: Void = {
    // A file can name any size for a table or a packet; no honest one needs half a gigabyte in one piece.
    av_max_alloc(1 << 29)
    av_log_set_level(AV_LOG_QUIET)
    av_log_set_callback { source, level, format, arguments in
      guard level <= AV_LOG_WARNING, let format, let arguments else { return }
      LibAV.remember(source, level, LibAV.line(format, arguments))
    }
  }()

  private static func line(_ format: UnsafePointer<CChar>, _ arguments: CVaListPointer) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard vsnprintf(&buffer, buffer.count, format, arguments) > 0 else { return "" }
    let text = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
  }

  private static func remember(_ source: UnsafeMutableRawPointer?, _ level: Int32, _ line: String) {
    guard !line.isEmpty else { return }
    let isError = level <= AV_LOG_ERROR
    DecoderLog.of(source)?.note(line, isError: isError)
    guard isError else { return }
    let log = threadLog
    (log.text, log.isOfContainer) = (line, libav_log_is_container(source))
  }

  /// Discards what was logged before on this thread, so that ``reason(_:)`` describes the next failure.
  static func forgetLog() { threadLog.text = nil }

  /// What a reader of containers has logged as an error on this thread since ``forgetLog()``.
  static var containerError: String? {
    let log = threadLog
    return log.isOfContainer ? log.text : nil
  }

  /// The text of an error code, with the line that the library logged on this thread where there is one:
  /// "Invalid data found when processing input (moov atom not found)".
  static func reason(_ code: Int32) -> String {
    let text = message(code)
    return threadLog.text.map { "\(text) (\($0))" } ?? text
  }

  private static func message(_ code: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    av_strerror(code, &buffer, buffer.count)
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// The error for an allocation that a library could not make.
  static func outOfMemory(_ what: String) -> CogError {
    CogError("not enough memory for \(what)", code: .system, cause: SystemError(number: ENOMEM))
  }
}

extension VideoInput {
  /// The versions of the libraries that decode, as they are at run time: others may give other pixels.
  package static var decoderVersion: String {
    let versions = [
      ("libavformat", avformat_version()), ("libavcodec", avcodec_version()),
      ("libswscale", swscale_version()),
    ]
    return versions.map { "\($0) \($1 >> 16).\($1 >> 8 & 0xFF).\($1 & 0xFF)" }.joined(separator: ", ")
      + ", FFmpeg \(av_version_info().map { String(cString: $0) } ?? "-")"
  }
}

/// A frame of libavutil that is freed with the object.
final class FrameHolder {
  let pointer: UnsafeMutablePointer<AVFrame>

  init() throws {
    guard let frame = av_frame_alloc() else { throw LibAV.outOfMemory("a frame") }
    pointer = frame
  }

  /// A frame of 8-bit red, green and blue values, which are not set yet. Its rows are padded: the vector code
  /// of libswscale writes past the last pixel.
  convenience init(width: Int32, height: Int32) throws {
    try self.init()
    pointer.pointee.width = width
    pointer.pointee.height = height
    pointer.pointee.format = AV_PIX_FMT_RGB24.rawValue
    guard av_frame_get_buffer(pointer, 0) >= 0 else { throw LibAV.outOfMemory("an image") }
  }

  /// The first byte of a frame of colors, and the bytes from one row to the next.
  var rows: (start: UnsafeMutablePointer<UInt8>, stride: Int)? {
    pointer.pointee.data.0.map { ($0, Int(pointer.pointee.linesize.0)) }
  }

  deinit {
    var frame: UnsafeMutablePointer<AVFrame>? = pointer
    av_frame_free(&frame)
  }
}

/// A packet of libavcodec that is freed with the object.
final class PacketHolder {
  let pointer: UnsafeMutablePointer<AVPacket>

  init() throws {
    guard let packet = av_packet_alloc() else { throw LibAV.outOfMemory("a packet") }
    pointer = packet
  }

  deinit {
    var packet: UnsafeMutablePointer<AVPacket>? = pointer
    av_packet_free(&packet)
  }
}
