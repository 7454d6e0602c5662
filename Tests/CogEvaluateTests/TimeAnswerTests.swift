import CogEvaluate
import Testing

/// Times in replies.
struct TimeAnswerTests {
  @Test(
    "moments and spans are read as people write them, the first one of a reply",
    arguments: [
      ("At the 3rd second.", 3, nil), ("The girl appears at the 3rd second in the video.", 3, nil),
      ("At the 10th second, the scene changes to a street at the 12th second.", 10, nil),
      ("At 3 seconds", 3, nil), ("at 3.5 s", 3.5, nil), ("At second 4.", 4, nil), ("7", 7, nil),
      ("Five.", 5, nil),
      (" 7.5. ", 7.5, nil),
      ("between 3 and 7 seconds", 3, 7), ("from 3s to 7s", 3, 7), ("24.3 - 30.4 seconds", 24.3, 30.4),
      ("starts at 00:18 and ends at 00:23", 18, 23), ("1:02:03", 3723, nil), ("At 1:05.", 65, nil),
      ("At the third second.", 3, nil), ("the twenty-third second", 23, nil), ("sixty seconds", 60, nil),
      ("between three and seven seconds", 3, 7), ("seconds 3 to 7", 3, 7), ("3–7 s", 3, 7),
      ("At 3 seconds and 7 seconds", 3, nil), ("7 seconds to 3 seconds", 7, nil),
      ("First, the man stops at 5 seconds", 5, nil), ("At the second second.", 2, nil),
      ("There are 3 people at 5 seconds.", 5, nil),
      ("At 1 minute and 30 seconds.", 90, nil), ("At 2 minutes.", 120, nil), ("1m30s", 90, nil),
      ("1 hour, 2 min 3 s", 3723, nil), ("at minute 2", 120, nil), ("after two minutes", 120, nil),
      ("from 1 to 2 minutes", 60, 120), ("from 1 minute 5 seconds to 2 minutes", 65, 120),
      ("from 3 seconds up to 7 seconds", 3, 7), ("3 ~ 7 seconds", 3, 7), ("3s-7s", 3, 7),
      ("between the 3rd and 7th second", 3, 7), ("from second 20 to second 30", 20, 30),
      ("from the 3rd second until the 7th second", 3, 7), ("3-7", 3, 7), ("[3, 7]", 3, 7),
      (" (3.5 - 7) ", 3.5, 7), ("From 3 to 7.", 3, 7),
      ("At 5 seconds there are 3 people", 5, nil), ("It's 5 m away at 7 seconds", 7, nil),
    ] as [(String, Double, Double?)])
  func reads(text: String, start: Double, end: Double?) {
    let time = TimeAnswer(text)
    #expect(time?.start == start && time?.end == end, "\(text): \(String(describing: time))")
  }

  @Test(
    "where no time is, none is read",
    arguments: [
      "", "There is no such event.", "There are 3 people.", "never", "A second man", "3 4", "12:3",
      "3, 7", "7-3", "It's 5 people.", "5 m",
    ])
  func none(text: String) {
    #expect(TimeAnswer(text) == nil, "\(text): \(String(describing: TimeAnswer(text)))")
  }

  @Test("a hostile reply is read in no time")
  func hostile() {
    #expect(TimeAnswer(String(repeating: "9", count: 100_000)) == nil)
    #expect(TimeAnswer(String(repeating: "3 to ", count: 100_000)) == nil)
    #expect(TimeAnswer(String(repeating: "a-", count: 100_000)) == nil)
  }

  @Test("the overlap of spans is over their hull")
  func overlap() throws {
    let span = try #require(TimeAnswer("3 to 7 s"))
    #expect(span.overlap(with: try #require(TimeAnswer("5 to 9 s"))) == 2.0 / 6)
    #expect(span.overlap(with: span) == 1)
    #expect(span.overlap(with: try #require(TimeAnswer("8 to 9 s"))) == 0)
    #expect(span.overlap(with: try #require(TimeAnswer("5 s"))) == 0)
  }

  @Test(
    "seconds: the second itself, a moment within a span, or half of the hull",
    arguments: [
      ("At the 3rd second.", "3 s", ScoringRule.Verdict.right), ("At 3.4 seconds", "3 s", .right),
      ("At 3.5 seconds", "3.5 s", .right), ("2.5", "2.5 s", .right), ("4 s", "3.5 s", .right),
      ("3 s", "3.5 s", .wrong), ("At 4 seconds", "3 s", .wrong), ("Soon", "3 s", .unparsed),
      ("At 5 seconds", "3 to 7 s", .right),
      ("At 8 seconds", "3 to 7 s", .wrong), ("3 to 5 seconds", "3 to 7 s", .right),
      ("6 to 9 seconds", "3 to 7 s", .wrong), ("", "3 s", .unparsed),
    ])
  func rule(reply: String, gold: String, verdict: ScoringRule.Verdict) throws {
    #expect(try ScoringRule.seconds.verdict(reply, on: question(gold)) == verdict)
  }

  @Test("words: the answer's words stand in the reply one after another")
  func words() throws {
    for (reply, gold, verdict) in [
      ("The man is playing the guitar.", "guitar", ScoringRule.Verdict.right),
      ("The man is playing the guitar.", "Playing the Guitar!", .right), ("guitarist", "guitar", .wrong),
      ("the guitar, playing", "playing guitar", .wrong), (" ", "guitar", .unparsed),
    ] {
      #expect(try ScoringRule.words.verdict(reply, on: question(gold)) == verdict, "\(reply)")
    }
  }
}
