import CogBase
import CogMedia
import Testing

/// A video of which only the times are known.
private struct TimesOnly: FrameSource {
  let path = "clip"
  let width = 1
  let height = 1
  let averageFrameRate: Double
  let times: [Float]
  var shown: [Int]?

  init(seconds: Double, rate: Double, shown: [Int]? = nil) {
    averageFrameRate = rate
    times = (0..<Int((seconds * rate).rounded())).map { Float(Double($0) / rate) }
    self.shown = shown
  }

  func decode(frames numbers: some Sequence<Int>, _ body: (DecodedFrame) throws -> Void) throws {}
}

@Suite struct FramePiecesTests {
  private let video = TimesOnly(seconds: 30, rate: 10)

  private func bounds(_ start: Double, _ end: Double) throws -> ClipBounds {
    try #require(ClipBounds(start: start, end: end))
  }

  @Test("a part is shown as a video of its own, and its times are those of the video")
  func part() throws {
    let part = TimesOnly(seconds: 4.1, rate: 10)
    for rule in [FrameSampling.chat, .base] {
      let selection = try video.select(rule, within: bounds(10, 14))
      #expect(try selection.indices == part.select(rule).indices.map { $0 + 100 })
      #expect(selection.times.allSatisfy { (10...14).contains($0) })
    }
    #expect(try video.select(.chat, within: bounds(10, 14)).indices == [100, 110, 120, 130, 140])
  }

  @Test("a moment is the frame that is closest to it, and frames that are not shown are not chosen")
  func moment() throws {
    #expect(try video.select(.uniform(16), within: bounds(7, 7)).indices == [70])
    let some = TimesOnly(seconds: 30, rate: 10, shown: [5, 68, 73, 200])
    #expect(try some.select(.chat, within: bounds(7, 7)).indices == [68])
    #expect(try some.select(.chat, within: bounds(7, 8)).indices == [73])
    // What was on display before.
    #expect(try some.select(.chat, within: bounds(8, 9)).indices == [73])
  }

  @Test("a part or a moment behind the end of the video is refused")
  func outside() throws {
    for (start, end) in [(40.0, 50.0), (31.5, 31.5)] {
      let part = try bounds(start, end)
      #expect(throws: CogError.self) { try video.select(.chat, within: part) }
    }
  }

  @Test(
    "windows follow each other to the end, and a short last one begins earlier",
    arguments: [
      (30.0, 24, [0.0, 24]), (50, 24, [0, 24, 46]), (48, 24, [0, 24]), (5, 24, [0]), (2, 24, [0]),
      (25, 24, [0, 21]), (7, 3, [0, 3, 6]),
    ])
  func windows(length: Double, seconds: Int, starts: [Double]) throws {
    let windows = try TimesOnly(seconds: length, rate: 10).windows(ofSeconds: seconds)
    #expect(windows.map(\.start) == starts)
    #expect(windows.map(\.end) == starts.dropFirst() + [length])
  }

  @Test("the seconds are those of the chat rule, but for its end, and a video of years has none")
  func seconds() throws {
    for length in [0.5, 3.2, 9.9, 20] {
      let short = TimesOnly(seconds: length, rate: 10)
      let seconds = try short.seconds()
      #expect(
        try seconds.flatMap { try short.select(.base, within: $0).indices } == short.select(.chat).indices)
    }
    #expect(try video.seconds().count == 31)
    let years = TimesOnly(seconds: 1e7, rate: 1e-6)
    #expect(throws: CogError.self) { try years.seconds() }
    #expect(throws: CogError.self) { try years.windows(ofSeconds: 1) }
  }
}
