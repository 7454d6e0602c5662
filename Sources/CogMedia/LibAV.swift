import CLibAV
import CogBase
import Glibc
import Synchronization

/// What all uses of FFmpeg's libraries share: silence on standard error, and error texts.
enum LibAV {
  /// Pixels of the largest picture that is decoded: 8192 by 8192.
  static let maximumPixels = 1 << 26

  /// The last error that a library logged, and on which thread.
  private struct Logged {
    var thread: pthread_t
    var text: String
  }

  private static let lastError = Mutex<Logged?>(nil)

  /// Silences the log and bounds single allocations, once.
  static let prepare: Void = {
    // A file can name any size for a table or a packet; no honest one needs a gigabyte in one piece.
    av_max_alloc(1 << 30)
    av_log_set_level(AV_LOG_QUIET)
    av_log_set_callback { _, level, format, arguments in
      guard level <= AV_LOG_ERROR, let format, let arguments else { return }
      LibAV.remember(format: format, arguments)
    }
  }()

  private static func remember(format: UnsafePointer<CChar>, _ arguments: CVaListPointer) {
    var buffer = [CChar](repeating: 0, count: 256)
    guard vsnprintf(&buffer, buffer.count, format, arguments) > 0 else { return }
    let text = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    if !line.isEmpty { lastError.withLock { $0 = Logged(thread: pthread_self(), text: line) } }
  }

  /// Discards what was logged before, so that ``reason(_:)`` describes the next failure.
  static func forgetLog() { lastError.withLock { $0 = nil } }

  /// The text of an error code, with the line that the library logged on this thread where there is one:
  /// "Invalid data found when processing input (moov atom not found)".
  static func reason(_ code: Int32) -> String {
    let text = message(code)
    let logged = lastError.withLock { $0 }
    guard let logged, pthread_equal(logged.thread, pthread_self()) != 0 else { return text }
    return "\(text) (\(logged.text))"
  }

  private static func message(_ code: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    av_strerror(code, &buffer, buffer.count)
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// The error for an allocation that a library could not make.
  static func outOfMemory(_ what: String) -> CogError { CogError("not enough memory for \(what)") }
}

/// A frame of libavutil that is freed with the object.
final class FrameHolder {
  let pointer: UnsafeMutablePointer<AVFrame>

  init() throws {
    guard let frame = av_frame_alloc() else { throw LibAV.outOfMemory("a frame") }
    pointer = frame
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
