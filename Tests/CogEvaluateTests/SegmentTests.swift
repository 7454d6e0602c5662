import CogBase
import CogEngine
import CogEvaluate
import CogMedia
import Testing

/// Windows of long videos, and one answer made of theirs.
struct SegmentTests {
  private func segment(_ text: String, _ start: Double, _ end: Double, countsSeconds: Bool = true) throws
    -> Segment
  {
    let answer = Answer(
      text: text, ids: [], margins: [], ending: .endOfText, promptTokens: 0, prefillSeconds: 0,
      decodeSeconds: 0)
    return Segment(
      try #require(ClipBounds(start: start, end: end)), answer, frames: [], countsSeconds: countsSeconds)
  }

  @Test(
    "a second of a window is one of the video",
    arguments: [
      ("At the 3rd second.", 27, nil), ("between 3 and 7 seconds", 27, 31), ("At 0:05.", 29, nil),
      ("from 20 to 30 seconds", 44, 48), ("At second 24.", 48, nil), ("At second 0.", 24, nil),
    ] as [(String, Double, Double?)])
  func times(text: String, start: Double, end: Double?) throws {
    let time = try segment(text, 24, 48).time
    #expect(time?.start == start && time?.end == end, "\(text): \(String(describing: time))")
  }

  @Test(
    "what is no second of the window is told as none",
    arguments: ["Never.", "At second 25.", "3", "Five.", "There are 3 people.", ""])
  func noTimes(text: String) throws {
    #expect(try segment(text, 24, 48).time == nil)
    #expect(try segment("At second 3.", 24, 48, countsSeconds: false).time == nil)
  }

  /// Merging by words: what is said to a prompt is how many answers it had, and a word more.
  private final class Reader {
    var prompts: [String] = []

    func merge(room: Int) -> SegmentMerge {
      SegmentMerge(
        question: "What happens?", room: room, count: { $0.split(separator: " ").count },
        shorten: { $0.split(separator: " ").prefix($1).joined(separator: " ") },
        ask: { prompt in
          self.prompts.append(prompt)
          return "\(prompt.split(separator: "\n").count { $0.hasPrefix("From second") }) answers"
        })
    }
  }

  private func parts(_ count: Int, words: Int) -> [SegmentMerge.Part] {
    (0..<count).map { number in
      let text = Array(repeating: "w\(number)", count: words).joined(separator: " ")
      return .init(start: Double(number * 24), end: Double(number * 24 + 24), text: text)
    }
  }

  @Test("answers that fit one prompt are put together at once, in their order, with their seconds")
  func once() throws {
    let reader = Reader()
    let merged = try reader.merge(room: 500).merged(parts(3, words: 2))
    #expect(merged == MergedAnswer(text: "3 answers", answers: 3, rounds: 1))
    let prompt = try #require(reader.prompts.first)
    #expect(prompt.contains("\nQuestion: What happens?\n"))
    #expect(
      prompt.contains(
        "\nFrom second 0 to second 24: w0 w0\nFrom second 24 to second 48: w1 w1\n"
          + "From second 48 to second 72: w2 w2\n"))
    let one = try reader.merge(room: 500).merged(parts(1, words: 2))
    #expect(one == MergedAnswer(text: "w0 w0", answers: 1, rounds: 0))
    #expect(reader.prompts.count == 1)
  }

  @Test("more answers than fit are put together in rounds, no prompt is too long, and none is left out")
  func rounds() throws {
    for (count, words, room) in [(50, 5, 150), (50, 5000, 150), (7, 60, 200), (1000, 1, 130), (2, 9999, 120)]
    {
      let reader = Reader()
      let merged = try reader.merge(room: room).merged(parts(count, words: words))
      #expect(merged.answers == count && (1...10).contains(merged.rounds))
      #expect(reader.prompts.allSatisfy { $0.split(separator: " ").count <= room })
      let all = reader.prompts.joined()
      #expect((0..<count).allSatisfy { all.contains("From second \($0 * 24) to ") || $0 == count - 1 })
      #expect(all.contains("to second \(count * 24): "))
    }
  }

  @Test("an answer of several lines is one line of the prompt")
  func lines() throws {
    let reader = Reader()
    _ = try reader.merge(room: 500).merged([
      .init(start: 0, end: 1.5, text: "a\nb\r\nc"), .init(start: 1.5, end: 3, text: "d"),
    ])
    #expect(reader.prompts.first?.contains("From second 0 to second 1.5: a b c\nFrom") == true)
  }

  @Test("a question that leaves no room is refused, and says how long it may be")
  func room() throws {
    #expect {
      try Reader().merge(room: 100).requireRoom()
    } throws: {
      ($0 as? CogError)?.problem.contains("no room for answers") == true
    }
  }
}
