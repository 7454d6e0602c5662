import CogBase
import CogEngine
import CogEvaluate
import CogMedia
import CogReport
import Testing

/// Answers about windows as people and players read them.
@Suite struct SubtitleTests {
  private static func segment(_ text: String?, _ start: Double, _ end: Double) throws -> Segment {
    let bounds = try #require(ClipBounds(start: start, end: end))
    guard let text else { return Segment(bounds, failed: CogError("it is damaged")) }
    let answer = Answer(
      text: text, ids: [], margins: [], ending: .endOfText, promptTokens: 0, prefillSeconds: 0,
      decodeSeconds: 0)
    return Segment(bounds, answer, frames: [], countsSeconds: true)
  }

  private static func segments() throws -> [Segment] {
    try [
      segment("A <b>man</b> & a dog.\nThey --> run.", 0, 24), segment("", 24, 48), segment(nil, 48, 72),
      segment("At the 3rd second.", 3600, 3612.25),
    ]
  }

  private static let merged = MergedAnswer(text: "a --> b\nc", answers: 2, rounds: 1)

  @Test("SubRip has a numbered cue for each answer, and nothing for windows without one")
  func srt() throws {
    #expect(
      try Subtitles.srt.text(Self.segments(), merged: Self.merged) == """
        1
        00:00:00,000 --> 00:00:24,000
        A <b>man</b> & a dog. They → run.

        2
        01:00:00,000 --> 01:00:12,250
        At the 3rd second. [1:00:03]

        """)
    #expect(Subtitles.srt.text([], merged: nil) == "")
  }

  @Test("WebVTT escapes what it would read as marks, and notes a merged answer as approximate")
  func vtt() throws {
    #expect(
      try Subtitles.vtt.text(Self.segments(), merged: Self.merged) == """
        WEBVTT

        NOTE Merged from 2 answers by the model, approximate: a → b c

        1
        00:00:00.000 --> 00:00:24.000
        A &lt;b&gt;man&lt;/b&gt; &amp; a dog. They --&gt; run.

        2
        01:00:00.000 --> 01:00:12.250
        At the 3rd second. [1:00:03]

        """)
    #expect(Subtitles.vtt.text([], merged: nil) == "WEBVTT\n")
  }

  @Test("the ending of a name tells the form")
  func endings() {
    #expect(Subtitles(path: "a.SRT") == .srt && Subtitles(path: "a.b.vtt") == .vtt)
    #expect(Subtitles(path: "srt") == nil && Subtitles(path: "a.txt") == nil)
  }

  @Test("the list has the window, the answer in one line, and what failed")
  func list() throws {
    #expect(
      try Self.segments().map(\.text) == [
        "0:00:00 to 0:00:24  A <b>man</b> & a dog. They --> run.", "0:00:24 to 0:00:48  ",
        "0:00:48 to 0:01:12  (failed)", "1:00:00 to 1:00:12.25  At the 3rd second. [1:00:03]",
      ])
  }
}
