import CogBase
import CogMedia
import CogModel
import Testing

/// The published sampling written as its Python reads, for comparison.
private enum Twin {
  static func chat(_ times: [Float], _ maximum: Int) -> [Int] {
    guard let latest = times.max() else { return [] }
    var chosen: [Int] = []
    var second = 0
    while second < Int(latest.rounded(.toNearestOrEven)) + 1 && chosen.count < maximum {
      let distances = times.map { abs($0 - Float(second)) }
      if let closest = distances.min(), let first = distances.firstIndex(of: closest) { chosen.append(first) }
      second += 1
    }
    return chosen
  }
}

@Suite("Frame sampling")
struct FrameSamplingTests {
  @Test("chat takes the frame closest to each second, up to the rounded last time")
  func chatSeconds() {
    let times = (0..<175).map { Float($0) / 25 }
    #expect(
      FrameSampling.chat.indices(times: times, averageFrameRate: 25) == [0, 25, 50, 75, 100, 125, 150, 174])
  }

  @Test("chat takes the first of two frames that are equally close")
  func chatTie() {
    #expect(FrameSampling.chat.indices(times: [0, 0.5, 1.5], averageFrameRate: 2) == [0, 1, 2])
    #expect(FrameSampling.chat.indices(times: [0, 0.75, 1.25], averageFrameRate: 2) == [0, 1])
  }

  @Test(
    "chat rounds half a second to the even one",
    arguments: [(Float(0.5), 1), (1.5, 3), (2.5, 3), (2.4, 3), (3.5, 5)])
  func chatRounding(last: Float, count: Int) {
    #expect(FrameSampling.chat.indices(times: [0, last], averageFrameRate: 1).count == count)
  }

  @Test("chat takes no more frames than asked for")
  func chatMaximum() {
    let times = (0..<350).map { Float($0) / 5 }
    let indices = FrameSampling.chat.indices(times: times, averageFrameRate: 5)
    #expect(indices == (0..<24).map { $0 * 5 })
    #expect(FrameSampling.chat.indices(times: times, averageFrameRate: 5, maximumFrames: 3) == [0, 5, 10])
  }

  @Test("chat agrees with the published loop on irregular times")
  func chatProperty() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let count = Int.random(in: 1...80, using: &generator)
      let times = (0..<count).map { _ in Float(Int.random(in: 0...240, using: &generator)) / 8 }.sorted()
      let maximum = Int.random(in: 1...30, using: &generator)
      #expect(
        FrameSampling.chat.indices(times: times, averageFrameRate: 8, maximumFrames: maximum)
          == Twin.chat(times, maximum))
    }
  }

  @Test("base spaces its frames evenly and repeats them in a short video")
  func baseShort() {
    let times = (0..<5).map { Float($0) / 10 }
    #expect(
      FrameSampling.base.indices(times: times, averageFrameRate: 10)
        == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4])
    #expect(FrameSampling.base.indices(times: [0], averageFrameRate: 10) == Array(repeating: 0, count: 24))
  }

  @Test("base looks at the first sixty seconds only")
  func baseMinute() {
    let times = (0..<350).map { Float($0) / 5 }
    let indices = FrameSampling.base.indices(times: times, averageFrameRate: 5)
    #expect(indices == (0..<24).map { $0 * 13 })
    #expect(FrameSampling.base.indices(times: times, averageFrameRate: 5, maximumFrames: 2) == [0, 299])
    #expect(FrameSampling.base.indices(times: times, averageFrameRate: 5, maximumFrames: 1) == [0])
  }

  @Test(
    "rates and times that make no sense choose no frame outside the video",
    arguments: [0, -1, .infinity, -.infinity, .nan, 1e300, 1e-300] as [Double])
  func senselessNumbers(rate: Double) {
    let times: [Float] = [0, 1, 2]
    for sampling in FrameSampling.published + [.uniform(5)] {
      let indices = sampling.indices(times: times, averageFrameRate: rate)
      #expect(!indices.isEmpty && indices.allSatisfy(times.indices.contains))
    }
    #expect(FrameSampling.chat.indices(times: [-1e17, -1e17], averageFrameRate: rate).isEmpty)
    #expect(FrameSampling.chat.indices(times: [.infinity], averageFrameRate: rate).isEmpty)
    #expect(FrameSampling.chat.indices(times: [], averageFrameRate: rate).isEmpty)
  }

  @Test(
    "uniform takes the middle of equal parts, as MVBench does",
    arguments: [
      (300, 8, [18, 55, 93, 130, 168, 205, 242, 280]),
      (300, 16, [9, 28, 46, 65, 84, 102, 121, 140, 159, 177, 196, 215, 233, 252, 271, 289]),
      (
        300, 24,
        [
          6, 18, 31, 43, 56, 68, 81, 93, 106, 118, 131, 143, 156, 168, 180, 193, 205, 218, 230, 243, 255, 268,
          280, 293,
        ]
      ), (1, 3, [0, 0, 0]), (2, 4, [0, 0, 0, 1]), (300, 1, [149]),
    ])
  func uniform(frameCount: Int, count: Int, expected: [Int]) {
    let times = (0..<frameCount).map { Float($0) / 30 }
    #expect(FrameSampling.uniform(count).indices(times: times, averageFrameRate: 30) == expected)
  }

  @Test(
    "a choice of frames has a name, and a number alone is uniform",
    arguments: [
      ("chat", FrameSampling.chat), ("base", .base), ("uniform:8", .uniform(8)), ("8", .uniform(8)),
      ("1024", .uniform(1024)),
    ] as [(String, FrameSampling)])
  func names(name: String, sampling: FrameSampling) throws {
    #expect(try FrameSampling(named: name) == sampling)
    #expect(try FrameSampling(named: sampling.name) == sampling)
  }

  @Test(
    "what is no choice of frames is an error",
    arguments: [
      "", "vqa", "uniform", "uniform:", "uniform:0", "0", "-1", "+5", "1025", "uniform:٣", "8.0", "Chat",
      "99999999999999999999",
    ])
  func noName(name: String) { #expect(throws: CogError.self) { try FrameSampling(named: name) } }

  @Test("a template's sampling is by seconds where the model is asked about seconds")
  func templates() {
    #expect(PromptTemplate.allCases.map(\.frameSampling) == [.chat, .chat, .base])
  }
}
