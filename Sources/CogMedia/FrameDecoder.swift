import CLibAV
import CogBase

/// Decodes the video stream of an input frame by frame, in presentation order.
final class FrameDecoder {
  /// The number, in decoding order, of the packet that is read next.
  private(set) var nextPacket = 0
  /// What is wrong with the last frame: damage of its own, or of a frame since the last whole keyframe, on
  /// which it builds.
  private(set) var damage: String?
  private let input: MediaInput
  private let codec: Codec
  private let packet: PacketHolder
  private let frame: FrameHolder
  private let hasTimes: Bool
  private let hurtPackets: Set<Int>
  private var tracker: DamageTracker
  private var isDraining = false
  /// After a seek: the keyframes by timestamp, until the first one is found.
  private var awaitedKeyframes: [Int64: Int]?
  /// After a seek: the timestamp of the keyframe that decoding started from, until it came out as a picture.
  private var awaitedPicture: Int64?

  /// Whether the last frame is what decoding from the start of the file gives: nothing was damaged, and after
  /// a seek the keyframe came out as a picture of its own. Where a picture is refreshed bit by bit (H.264
  /// recovery points) it does not, and frames after it are not trusted although the decoder calls them
  /// recovered.
  var isExact: Bool { damage == nil && awaitedKeyframes == nil && awaitedPicture == nil }

  /// A decoder at the start of an input that nothing was read from yet.
  ///
  /// - Parameters:
  ///   - hasTimes: whether each frame of the input has a presentation time of its own.
  ///   - hurtPackets: the numbers, in decoding order, of packets of which a piece is missing.
  /// - Throws: ``CogError`` when the codec does not open.
  init(input: MediaInput, hasTimes: Bool, hurtPackets: Set<Int> = []) throws {
    self.hurtPackets = hurtPackets
    self.input = input
    self.hasTimes = hasTimes
    codec = try Codec(input)
    packet = try PacketHolder()
    frame = try FrameHolder()
    tracker = DamageTracker(hasTimes: hasTimes)
  }

  /// The next frame, or nil after the last one. It is valid until the next call.
  ///
  /// - Throws: ``CogError`` when the file cannot be read on; what the input's cancellation throws.
  func next() throws -> UnsafeMutablePointer<AVFrame>? {
    while true {
      try input.cancellation.check()
      LibAV.forgetLog()
      let status = avcodec_receive_frame(codec.context, frame.pointer)
      takeLog()
      if status >= 0 {
        note(frame.pointer)
        return frame.pointer
      }
      if status == libav_error_end_of_file() { return nil }
      if status != libav_error_try_again() { tracker.noteFailure(LibAV.reason(status)) }
      // A decoder that is drained and still has nothing to say must not be asked for ever.
      if isDraining { return nil }
      try feed()
    }
  }

  /// Why there is no picture for a presentation time, where the decoder has refused its packet.
  func lost(at time: Int64) -> String? { tracker.damage(at: time) }

  /// Seeks to a keyframe. False when the container cannot seek; the decoder cannot be used after that.
  func seek(to keyframe: FrameIndex.Keyframe, among keyframes: [Int64: Int]) -> Bool {
    let flags = Int32(AVSEEK_FLAG_BACKWARD)
    guard av_seek_frame(input.context, input.stream.pointee.index, keyframe.timestamp, flags) >= 0 else {
      return false
    }
    avcodec_flush_buffers(codec.context)
    isDraining = false
    damage = nil
    tracker = DamageTracker(hasTimes: hasTimes)
    _ = codec.log.take()
    awaitedKeyframes = keyframes
    awaitedPicture = nil
    nextPacket = keyframe.packet
    return true
  }

  /// Hands the decoder one more packet of the stream, or the end.
  private func feed() throws {
    while let read = try input.read(into: packet) {
      guard read.pointee.stream_index == input.stream.pointee.index else { continue }
      let isKeyframe = read.pointee.flags & AV_PKT_FLAG_KEY != 0
      if let keyframes = awaitedKeyframes {
        // Until a keyframe comes there is nothing that packets could be decoded from.
        guard isKeyframe, let number = keyframes[read.pointee.pts] else { continue }
        awaitedKeyframes = nil
        awaitedPicture = read.pointee.pts
        nextPacket = number
      }
      tracker.begin(time: read.pointee.pts, isKeyframe: isKeyframe)
      if let damage = input.damage {
        tracker.note(damage)
      } else if !codec.marksDamage, hurtPackets.contains(nextPacket) {
        tracker.note("a piece of it is missing in the file")
      }
      nextPacket += 1
      if input.codec.pointee.id == AV_CODEC_ID_PNG { libav_png_drop_exif(read) }
      send(read)
      return
    }
    isDraining = true
    send(nil)
  }

  private func send(_ packet: UnsafeMutablePointer<AVPacket>?) {
    LibAV.forgetLog()
    let status = avcodec_send_packet(codec.context, packet)
    takeLog()
    if status < 0 && status != libav_error_end_of_file() { tracker.noteFailure(LibAV.reason(status)) }
  }

  /// Takes what the decoder has logged as damage of the packet that it works on.
  private func takeLog() {
    if let logged = codec.log.take() { tracker.note(logged) }
  }

  /// Notes damage, and whether this is the keyframe that a seek led to.
  private func note(_ pointer: UnsafeMutablePointer<AVFrame>) {
    let frame = pointer.pointee
    if frame.decode_error_flags != 0 || frame.flags & AV_FRAME_FLAG_CORRUPT != 0 {
      damage = "parts of the picture are missing or wrong"
    } else if let known = tracker.damage(at: frame.best_effort_timestamp) {
      damage = known
    } else if libav_frame_is_keyframe(pointer) {
      damage = nil
      if frame.best_effort_timestamp == awaitedPicture && frame.pict_type == AV_PICTURE_TYPE_I {
        awaitedPicture = nil
      }
    }
  }
}

/// An opened codec context, freed with the object.
private final class Codec {
  let context: UnsafeMutablePointer<AVCodecContext>
  /// What the decoder logs.
  let log: DecoderLog
  /// Whether the decoder marks every frame that it had to patch up.
  let marksDamage: Bool

  private static let markingCodecs: Set<UInt32> = Set(
    [
      AV_CODEC_ID_H264, AV_CODEC_ID_MPEG1VIDEO, AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_MPEG4, AV_CODEC_ID_H263,
      AV_CODEC_ID_H263P, AV_CODEC_ID_H263I, AV_CODEC_ID_FLV1,
    ].map(\.rawValue))

  init(_ input: MediaInput) throws {
    guard let allocated = avcodec_alloc_context3(input.codec) else { throw LibAV.outOfMemory("a decoder") }
    context = allocated
    marksDamage = Self.markingCodecs.contains(input.codec.pointee.id.rawValue)
    log = DecoderLog(marksDamage: marksDamage)
    try naming(file: input.path) {
      LibAV.forgetLog()
      var status = avcodec_parameters_to_context(context, input.stream.pointee.codecpar)
      if status >= 0 {
        // Threads within a frame only: decoding several frames at once, libavcodec hands a frame out before
        // the damage in it is known. dav1d has threads of its own, which this flag keeps to one frame.
        context.pointee.thread_count = 0
        context.pointee.thread_type = FF_THREAD_SLICE
        if input.codec.pointee.id == AV_CODEC_ID_AV1 { context.pointee.flags |= AV_CODEC_FLAG_LOW_DELAY }
        context.pointee.pkt_timebase = input.stream.pointee.time_base
        context.pointee.max_pixels = Int64(input.maximumPixels)
        // Checksums that are in the stream (PNG, FFV1, HEVC with hashes) are compared.
        context.pointee.err_recognition = AV_EF_CRCCHECK
        log.listen(to: context)
        status = avcodec_open2(context, input.codec, nil)
      }
      guard status >= 0 else {
        throw CogError(
          "the decoder does not open: \(LibAV.reason(status))", subject: "video stream (\(input.codecName))")
      }
    }
  }

  deinit {
    DecoderLog.ignore(context)
    var freed: UnsafeMutablePointer<AVCodecContext>? = context
    avcodec_free_context(&freed)
  }
}
