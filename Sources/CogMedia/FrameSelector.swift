import CLibAV
import CogBase

/// Runs a decoder over the parts of a file that hold wanted frames.
struct FrameSelector {
  let path: String
  let index: FrameIndex
  let cancellation: any Cancellation

  /// Packets that must be saved for a seek to be worth its cost.
  private static let worthwhileSkip = 12

  /// Takes a frame's number and the decoded frame.
  typealias Body = (Int, UnsafeMutablePointer<AVFrame>) throws -> Void

  /// Hands over the frames with the numbers `wanted`, which ascend.
  ///
  /// - Throws: ``CogError`` when one cannot be decoded; what `body` throws.
  func select(_ wanted: [Int], _ body: Body) throws {
    guard let timestamps = index.timestamps else { return try selectByNumber(wanted, body) }
    let rest = try selectSeeking(wanted, timestamps, body)
    // A keyframe that is none, or a container that seeks badly: decode from the start what is left.
    if rest < wanted.count { try selectInOrder(Array(wanted[rest...]), timestamps, body) }
  }

  /// Seeks wherever that saves work. Returns how many frames were found; less than all when one did not come
  /// whole where it was expected.
  private func selectSeeking(_ wanted: [Int], _ timestamps: [Int64], _ body: Body) throws -> Int {
    let keyframes = Dictionary(index.keyframes.map { ($0.timestamp, $0.packet) }) { first, _ in first }
    let decoder = try FrameDecoder(input: MediaInput(path: path, cancellation: cancellation))
    for (position, number) in wanted.enumerated() {
      let timestamp = timestamps[number]
      if let keyframe = index.keyframe(for: timestamp),
        keyframe.packet - decoder.nextPacket >= Self.worthwhileSkip,
        !decoder.seek(to: keyframe, among: keyframes)
      {
        return position
      }
      var found: UnsafeMutablePointer<AVFrame>?
      repeat {
        found = try decoder.next()
      } while found.map { $0.pointee.best_effort_timestamp < timestamp } ?? false
      guard let frame = found, frame.pointee.best_effort_timestamp == timestamp, decoder.isExact else {
        return position
      }
      try body(number, frame)
    }
    return wanted.count
  }

  /// Decodes from the start up to the last wanted frame. A packet without a picture of its own (hidden, or
  /// cut away by an edit list) counts as a frame and shows what is on display at its time.
  private func selectInOrder(_ wanted: [Int], _ timestamps: [Int64], _ body: Body) throws {
    let decoder = try FrameDecoder(input: MediaInput(path: path, cancellation: cancellation))
    let shown = try FrameHolder()
    var isShowing = false
    var position = 0
    while position < wanted.count, let frame = try decoder.next() {
      let time = frame.pointee.best_effort_timestamp
      while position < wanted.count, timestamps[wanted[position]] <= time {
        let isOwn = timestamps[wanted[position]] == time
        try check(decoder, wanted[position])
        try body(wanted[position], isOwn || !isShowing ? frame : shown.pointer)
        position += 1
      }
      av_frame_unref(shown.pointer)
      av_frame_move_ref(shown.pointer, frame)
      isShowing = true
    }
    try showLast(wanted[position...], isShowing ? shown : nil, decoder, body)
  }

  /// Decodes from the start and counts, for files whose frames have no timestamps.
  private func selectByNumber(_ wanted: [Int], _ body: Body) throws {
    let decoder = try FrameDecoder(input: MediaInput(path: path, cancellation: cancellation))
    let shown = try FrameHolder()
    var isShowing = false
    var (position, number) = (0, 0)
    while position < wanted.count, let frame = try decoder.next() {
      if wanted[position] == number {
        try check(decoder, number)
        try body(number, frame)
        position += 1
      }
      number += 1
      av_frame_unref(shown.pointer)
      av_frame_move_ref(shown.pointer, frame)
      isShowing = true
    }
    try showLast(wanted[position...], isShowing ? shown : nil, decoder, body)
  }

  /// Frames after the last decoded one: it stays on display.
  private func showLast(
    _ rest: ArraySlice<Int>, _ last: FrameHolder?, _ decoder: FrameDecoder, _ body: Body
  ) throws {
    for number in rest {
      try check(decoder, number)
      guard let last else { throw CogError("no video frame can be decoded", file: path) }
      try body(number, last.pointer)
    }
  }

  /// - Throws: ``CogError`` when the decoder met damage that reaches up to the frame.
  private func check(_ decoder: FrameDecoder, _ number: Int) throws {
    guard let damage = decoder.damage else { return }
    let time = (Double(index.times[number]) * 1000).rounded() / 1000
    throw CogError(
      "the video is damaged: \(damage)", file: path, subject: "frame \(number) at \(time) s",
      advice: "Download or copy it again, or repair it with `ffmpeg -i IN OUT`.")
  }
}
