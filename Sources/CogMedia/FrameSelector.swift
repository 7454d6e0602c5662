import CLibAV
import CogBase

/// Runs a decoder over the parts of a file that hold wanted frames.
struct FrameSelector {
  let path: String
  let index: FrameIndex
  /// Whether damaged frames are handed over too.
  let toleratesDamage: Bool
  let cancellation: any Cancellation

  /// Packets that must be saved for a seek to be worth its cost.
  private static let worthwhileSkip = 12

  /// Takes a frame's number, the decoded frame, and what is wrong with it.
  typealias Body = (Int, UnsafeMutablePointer<AVFrame>, String?) throws -> Void

  /// A picture that stays on display until the next one.
  private struct Display {
    let holder: FrameHolder
    var damage: String?
    var isShowing = false

    init() throws { holder = try FrameHolder() }

    mutating func show(_ frame: UnsafeMutablePointer<AVFrame>, damage: String?) {
      av_frame_unref(holder.pointer)
      av_frame_move_ref(holder.pointer, frame)
      self.damage = damage
      isShowing = true
    }
  }

  /// Hands over the frames with the numbers `wanted`, which ascend.
  ///
  /// - Throws: ``CogError`` when one cannot be decoded, or is damaged and damage is not tolerated; what
  ///   `body` throws.
  func select(_ wanted: [Int], _ body: Body) throws {
    guard let timestamps = index.timestamps else { return try selectByNumber(wanted, body) }
    let rest = try selectSeeking(wanted, timestamps, body)
    // A keyframe that is none, or a container that seeks badly: decode from the start what is left.
    if rest < wanted.count { try selectInOrder(Array(wanted[rest...]), timestamps, body) }
  }

  private func decoder() throws -> FrameDecoder {
    try FrameDecoder(
      input: MediaInput(path: path, cancellation: cancellation), hasTimes: index.timestamps != nil,
      hurtPackets: index.hurtPackets)
  }

  /// Seeks wherever that saves work. Returns how many frames were found; less than all when one did not come
  /// whole where it was expected.
  private func selectSeeking(_ wanted: [Int], _ timestamps: [Int64], _ body: Body) throws -> Int {
    let keyframes = Dictionary(index.keyframes.map { ($0.timestamp, $0.packet) }) { first, _ in first }
    let decoder = try decoder()
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
      try body(number, frame, nil)
    }
    return wanted.count
  }

  /// Decodes from the start up to the last wanted frame. A packet without a picture of its own (hidden, or
  /// cut away by an edit list) counts as a frame and shows what is on display at its time.
  private func selectInOrder(_ wanted: [Int], _ timestamps: [Int64], _ body: Body) throws {
    let decoder = try decoder()
    var display = try Display()
    var position = 0
    while position < wanted.count, let frame = try decoder.next() {
      let time = frame.pointee.best_effort_timestamp
      while position < wanted.count, timestamps[wanted[position]] <= time {
        let number = wanted[position]
        if timestamps[number] == time || !display.isShowing {
          try deliver(number, frame, decoder.damage ?? decoder.lost(at: timestamps[number]), body)
        } else {
          let damage = decoder.lost(at: timestamps[number]) ?? display.damage
          try deliver(number, display.holder.pointer, damage, body)
        }
        position += 1
      }
      display.show(frame, damage: decoder.damage)
    }
    try showLast(wanted[position...], display, body) { decoder.lost(at: timestamps[$0]) }
  }

  /// Decodes from the start and counts, for files whose frames have no timestamps.
  private func selectByNumber(_ wanted: [Int], _ body: Body) throws {
    let decoder = try decoder()
    var display = try Display()
    var (position, number) = (0, 0)
    while position < wanted.count, let frame = try decoder.next() {
      if wanted[position] == number {
        try deliver(number, frame, decoder.damage, body)
        position += 1
      }
      number += 1
      display.show(frame, damage: decoder.damage)
    }
    try showLast(wanted[position...], display, body) { _ in decoder.lost(at: 0) }
  }

  /// Frames after the last decoded one: it stays on display.
  private func showLast(
    _ rest: ArraySlice<Int>, _ display: Display, _ body: Body, lost: (Int) -> String?
  ) throws {
    for number in rest {
      let damage = lost(number) ?? display.damage
      guard display.isShowing else {
        throw CogError("no video frame can be decoded", code: .damaged, file: path, found: damage)
      }
      try deliver(number, display.holder.pointer, damage, body)
    }
  }

  /// - Throws: ``CogError`` when the frame is damaged, and that is not tolerated; what `body` throws.
  private func deliver(
    _ number: Int, _ frame: UnsafeMutablePointer<AVFrame>, _ damage: String?, _ body: Body
  ) throws {
    if let damage, !toleratesDamage {
      let time = (Double(index.times[number]) * 1000).rounded() / 1000
      throw CogError(
        "the video is damaged: \(damage)", code: .damaged, file: path,
        subject: "frame \(number) at \(time) s",
        advice: "Download or copy it again, repair it with `ffmpeg -i IN OUT`, or show it as it is with "
          + "--tolerate-damage.")
    }
    try body(number, frame, damage)
  }
}
