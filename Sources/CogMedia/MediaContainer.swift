import CLibAV
import CogBase

/// The format context with its bytes; closes and frees both.
final class MediaContainer {
  let context: UnsafeMutablePointer<AVFormatContext>
  /// Whether this is a single picture.
  let isPicture: Bool
  /// Pixels of the largest frame that is decoded.
  var maximumPixels: Int { isPicture ? LibAV.maximumPicturePixels : LibAV.maximumPixels }
  /// Whether the file has all the bytes that it states; nil where it does not say.
  var isWhole: Bool? { bytes.isWhole }
  private let bytes: InputBytes
  private let path: String

  /// - Parameter findsStreams: whether the streams of a picture are looked into, which decodes it; of a video
  ///   they always are.
  init(path: String, cancellation: any Cancellation, findsStreams: Bool) throws {
    LibAV.prepare
    LibAV.forgetLog()
    self.path = path
    bytes = try InputBytes(path: path, cancellation: cancellation)
    if let refusal = ForeignContent.refusal(of: bytes.beginning(count: 512)) { throw refusal.inFile(path) }
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
      try bytes.requireRead()
      throw CogError(
        "no video frame can be decoded: \(LibAV.reason(status))", file: path,
        advice: "Check that it is a whole video file such as MP4, MKV, WebM or AVI.")
    }
    // The readers of single pictures are called png_pipe, jpeg_pipe and so on.
    isPicture = opened.pointee.iformat.map { String(cString: $0.pointee.name).hasSuffix("_pipe") } ?? false
    // The last property: from here on an error runs `deinit`, which closes the context.
    context = opened
    // libavformat takes the likeliest format even where it would rather see more data: noise as raw H.263.
    guard opened.pointee.probe_score > AVPROBE_SCORE_MAX / 4 else {
      throw CogError(
        "no video frame can be decoded: the format is not recognized", file: path,
        advice: "Check that it is a whole video file such as MP4, MKV, WebM or AVI.")
    }
    if findsStreams || !isPicture { try findStreams(cancellation) }
  }

  /// Reads as much as is needed to know the streams, which may decode frames: none larger than allowed.
  private func findStreams(_ cancellation: any Cancellation) throws {
    var options = [OpaquePointer?](repeating: nil, count: Int(context.pointee.nb_streams))
    defer { for index in options.indices { av_dict_free(&options[index]) } }
    for index in options.indices {
      av_dict_set_int(&options[index], "max_pixels", Int64(maximumPixels), 0)
    }
    LibAV.forgetLog()
    let found = options.withUnsafeMutableBufferPointer {
      avformat_find_stream_info(context, $0.count > 0 ? $0.baseAddress : nil)
    }
    try cancellation.check()
    try requireRead()
    guard found >= 0 else {
      throw CogError("the streams cannot be read: \(LibAV.reason(found))", code: .damaged, file: path)
    }
  }

  /// - Throws: as ``InputBytes/requireRead()``.
  func requireRead() throws { try bytes.requireRead() }

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
