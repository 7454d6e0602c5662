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
  private let container: Container

  /// Opens a file, finds its streams and picks the video stream as libavformat ranks them.
  ///
  /// - Throws: ``CogError`` when this is not a media file or it has no video; what `cancellation` throws.
  init(path: String, cancellation: any Cancellation) throws {
    self.path = path
    self.cancellation = cancellation
    container = try Container(path: path, cancellation: cancellation)
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
    if status >= 0 { return packet.pointer }
    if status == libav_error_end_of_file() { return nil }
    throw CogError(
      "the file is damaged or ends too early: \(LibAV.reason(status))", file: path,
      advice: "Download or copy it again.")
  }
}

/// The format context with its bytes; closes and frees both.
private final class Container {
  let context: UnsafeMutablePointer<AVFormatContext>
  private let bytes: InputBytes
  private let path: String

  init(path: String, cancellation: any Cancellation) throws {
    LibAV.prepare
    LibAV.forgetLog()
    self.path = path
    bytes = try InputBytes(path: path, cancellation: cancellation)
    guard let allocated = avformat_alloc_context() else { throw LibAV.outOfMemory("a media file") }
    allocated.pointee.pb = bytes.context
    // Nested files (playlists, external references) are refused whatever they are called.
    allocated.pointee.io_open = { _, _, _, _, _ in libav_error_not_permitted() }
    var options: OpaquePointer?
    av_dict_set(&options, "protocol_whitelist", "none", 0)
    var opening: UnsafeMutablePointer<AVFormatContext>? = allocated
    // Without a name the format is told by its content alone. On failure this frees the context.
    let status = avformat_open_input(&opening, nil, nil, &options)
    av_dict_free(&options)
    guard status >= 0, let opened = opening else {
      try cancellation.check()
      throw CogError(
        "no video frame can be decoded: \(LibAV.reason(status))", file: path,
        advice: "Check that it is a whole video file such as MP4, MKV, WebM or AVI.")
    }
    // The last property: from here on an error runs `deinit`, which closes the context.
    context = opened
    // libavformat takes the likeliest format even where it would rather see more data: noise as raw H.263.
    guard opened.pointee.probe_score > AVPROBE_SCORE_MAX / 4 else {
      throw CogError(
        "no video frame can be decoded: the format is not recognized", file: path,
        advice: "Check that it is a whole video file such as MP4, MKV, WebM or AVI.")
    }
    LibAV.forgetLog()
    let found = avformat_find_stream_info(opened, nil)
    try cancellation.check()
    guard found >= 0 else {
      throw CogError("the streams cannot be read: \(LibAV.reason(found))", file: path)
    }
  }

  deinit {
    var closing: UnsafeMutablePointer<AVFormatContext>? = context
    avformat_close_input(&closing)
  }

  /// What the file has instead of a video that can be decoded.
  func errorWithoutVideo(_ status: Int32) -> CogError {
    let streams = (0..<Int(context.pointee.nb_streams)).compactMap { context.pointee.streams[$0] }
    let kinds = streams.map { stream in
      let type = stream.pointee.codecpar.pointee.codec_type
      let kind = av_get_media_type_string(type).map { String(cString: $0) } ?? "unknown"
      return "\(kind) (\(String(cString: avcodec_get_name(stream.pointee.codecpar.pointee.codec_id))))"
    }
    return CogError(
      "no video frame can be decoded", file: path, expected: "a video stream",
      found: kinds.isEmpty ? "no stream: \(LibAV.reason(status))" : kinds.prefix(8).joined(separator: ", "),
      advice: "Check that it is a whole video file with a codec that FFmpeg knows.")
  }
}
