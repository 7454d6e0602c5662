import CogBase
import CogMedia
import CogTestSupport
import Testing

/// Frames of parts of videos, as MVBench's loaders count them.
struct ClipBoundsTests {
  /// A video of so many frames a second.
  private struct Clip: FrameSource {
    let path = "clip"
    let width = 1
    let height = 1
    let averageFrameRate: Double
    let times: [Float]
    var firstNumber = 0
    var shown: [Int]?

    init(rate: Double, frames: Int) {
      averageFrameRate = rate
      times = (0..<frames).map { Float(Double($0) / rate) }
    }

    func decode(frames numbers: some Sequence<Int>, _ body: (DecodedFrame) throws -> Void) throws {}
  }

  private func bounds(_ start: Double, _ end: Double) throws -> ClipBounds {
    try #require(ClipBounds(start: start, end: end))
  }

  @Test("uniform frames of a part are those of get_index, half of a frame to the even one")
  func uniform() throws {
    let clip = Clip(rate: 30, frames: 300)
    #expect(
      try clip.select(.uniform(8), within: bounds(2, 7)).indices == [69, 88, 107, 125, 144, 163, 181, 200])
    #expect(
      try clip.select(.uniform(8), within: bounds(8, 20)).indices
        == [243, 250, 258, 265, 273, 280, 287, 295])
    #expect(
      try clip.select(.uniform(8), within: bounds(0, 1000)).indices == clip.select(.uniform(8)).indices)
    #expect(
      try Clip(rate: 29.97, frames: 1000).select(.uniform(16), within: bounds(11.1, 17.2)).indices
        == [338, 349, 361, 372, 384, 395, 406, 418, 429, 440, 452, 463, 474, 486, 497, 509])
  }

  @Test("images of a folder are counted from 1, three a second")
  func folder() throws {
    var folder = Clip(rate: 3, frames: 180)
    folder.firstNumber = 1
    // The numbers in the names of the files.
    func numbers(_ start: Double, _ end: Double) throws -> [Int] {
      try folder.select(.uniform(8), within: bounds(start, end)).indices.map { $0 + 1 }
    }
    #expect(try numbers(10, 40) == [35, 46, 57, 69, 80, 91, 103, 114])
    #expect(try numbers(0, 90) == [12, 34, 57, 79, 102, 124, 146, 169])
  }

  @Test(
    "a part behind the end is an error, not frames counted backwards",
    arguments: FrameSampling.published + [.uniform(8)])
  func behindTheEnd(_ sampling: FrameSampling) throws {
    let clip = Clip(rate: 30, frames: 300)
    let part = try bounds(12, 20)
    let error = #expect(throws: CogError.self) { try clip.select(sampling, within: part) }
    #expect(error?.file == "clip" && error?.found == "12.0 to 20.0 s")
  }

  @Test("chat counts seconds from the start of the part, base spaces frames over it")
  func others() throws {
    let clip = Clip(rate: 10, frames: 100)
    let chat = try clip.select(.chat, within: bounds(2.5, 5.5))
    #expect(chat.indices == [25, 35, 45, 55])
    #expect(chat.times.map { ($0 * 10).rounded() / 10 } == [2.5, 3.5, 4.5, 5.5])
    #expect(try clip.select(.base, maximumFrames: 3, within: bounds(2, 4)).indices == [20, 30, 40])
    for sampling in FrameSampling.published {
      #expect(try clip.select(sampling, within: bounds(0, 1000)).indices == clip.select(sampling).indices)
    }
    // Between two frames, the one on display.
    #expect(try clip.select(.chat, within: bounds(3.12, 3.18)).indices == [31])
  }

  @Test("frames that are not shown count neither")
  func hidden() throws {
    var clip = Clip(rate: 10, frames: 100)
    clip.shown = Array(20..<100)
    #expect(try clip.select(.chat, within: bounds(3, 4)).indices == [30, 40])
    #expect(try clip.select(.uniform(1), within: bounds(0, 2)).indices == [30])
  }

  @Test("bounds that are none", arguments: [(3.0, 2.0), (-1, 2), (.nan, 2), (0, .infinity), (0, 1e9)])
  func none(start: Double, end: Double) { #expect(ClipBounds(start: start, end: end) == nil) }
}
