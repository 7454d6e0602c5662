import CLibAV
import CogBase
import Glibc

/// An opened media file and its video stream.
///
/// libavformat reads through ``InputBytes`` and cannot open anything by name, so a playlist or a file that
/// refers to others reaches neither the network nor other files.
final class MediaInput {
  /// The path as the user gave it.
  let path: String
  /// The video stream, owned by the format context.
  let stream: UnsafeMutablePointer<AVStream>
  /// The codec of the video stream.
  let codec: UnsafePointer<AVCodec>
  /// Asked before every frame whether to go on.
  let cancellation: any Cancellation
  /// What the reader of the container has logged as damage when it read the last packet, or nil.
  private(set) var damage: String?
  private let container: MediaContainer

  /// Opens a file, finds its streams and picks the video stream as libavformat ranks them.
  ///
  /// - Parameter findsStreams: false leaves what there is to know of a picture until it is decoded.
  /// - Throws: ``CogError`` when this is not a media file or it has no video; what `cancellation` throws.
  init(path: String, cancellation: any Cancellation, findsStreams: Bool = true) throws {
    self.path = path
    self.cancellation = cancellation
    container = try MediaContainer(path: path, cancellation: cancellation, findsStreams: findsStreams)
    LibAV.forgetLog()
    var found: UnsafePointer<AVCodec>?
    let number = av_find_best_stream(container.context, AVMEDIA_TYPE_VIDEO, -1, -1, &found, 0)
    guard number >= 0, let codec = found, let stream = container.context.pointee.streams[Int(number)] else {
      throw container.errorWithoutVideo(number)
    }
    guard stream.pointee.disposition & AV_DISPOSITION_ATTACHED_PIC == 0 else {
      throw CogError(
        "no video frame can be decoded", file: path, found: "a sound file with a cover picture",
        advice: "Give a file with a video stream.")
    }
    self.codec = codec
    self.stream = stream
  }

  /// The format context that the streams belong to.
  var context: UnsafeMutablePointer<AVFormatContext> { container.context }

  /// The name of the container format, such as "mov,mp4,m4a,3gp,3g2,mj2".
  var formatName: String { context.pointee.iformat.map { String(cString: $0.pointee.name) } ?? "unknown" }

  /// Whether this is a single picture.
  var isPicture: Bool { container.isPicture }

  /// Whether the container is made to be cut and joined anywhere: MPEG transport and program streams.
  var isTransport: Bool {
    (context.pointee.iformat?.pointee.flags ?? 0) & AVFMT_TS_DISCONT != 0
  }

  /// Whether the file has all the bytes that it states; nil where it does not say.
  var isWhole: Bool? { container.isWhole }

  /// Pixels of the largest frame that is decoded.
  var maximumPixels: Int { container.maximumPixels }

  /// The name of the video codec, such as "h264".
  var codecName: String { String(cString: avcodec_get_name(stream.pointee.codecpar.pointee.codec_id)) }

  /// Seconds for one unit of the stream's timestamps, or 0 where the file says nothing.
  var secondsPerTick: Double {
    let base = stream.pointee.time_base
    return base.num > 0 && base.den > 0 ? Double(base.num) / Double(base.den) : 0
  }

  /// Frames for each second as the container says, or nil.
  var averageFrameRate: Double? {
    for rate in [stream.pointee.avg_frame_rate, stream.pointee.r_frame_rate]
    where rate.num > 0 && rate.den > 0 {
      return Double(rate.num) / Double(rate.den)
    }
    return nil
  }

  /// Reads the next packet of any stream, or returns nil at the end of the file.
  ///
  /// - Throws: ``CogError`` when the file is damaged; what the cancellation throws.
  func read(into packet: PacketHolder) throws -> UnsafeMutablePointer<AVPacket>? {
    av_packet_unref(packet.pointer)
    LibAV.forgetLog()
    let status = av_read_frame(context, packet.pointer)
    try cancellation.check()
    try container.requireRead()
    damage = LibAV.containerError
    if status >= 0 { return packet.pointer }
    if status == libav_error_end_of_file() { return nil }
    throw CogError(
      "the file is damaged or ends too early: \(LibAV.reason(status))", file: path,
      advice: "Download or copy it again.")
  }
}
