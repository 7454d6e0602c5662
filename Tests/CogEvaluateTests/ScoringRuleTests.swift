import CogBase
import CogEvaluate
import Testing

/// The rules of the field on the same replies.
struct ScoringRuleTests {
  private static let options = [
    "Ate the medicine.", "Tidied up the blanket.", "Put down the cup/glass/bottle.", "Took the box.",
  ]

  private static func verdict(_ rule: String, _ reply: String, _ gold: String) throws -> ScoringRule.Verdict {
    let places = ["A": 0, "B": 1, "C": 2, "D": 3]
    let answer = options[try #require(places[gold])]
    return try #require(ScoringRule(named: rule)).verdict(
      reply, on: question(answer, candidates: options))
  }

  /// A reply, the gold letters (every one where it does not matter), and whether official, pllava, vlmevalkit
  /// and lmms count it as right: what the four published programs give.
  private static let table: [(replies: [String], gold: String, right: [Bool])] = [
    (["(A) Ate the medicine."], "A", [true, true, true, true]),
    (["A", "A.", "a", "(A", "A)", "(A).", "(a)"], "A", [true, true, true, true]),
    (["A:", "A: Ate the medicine."], "A", [false, false, true, true]),
    (["Ate the medicine."], "A", [false, false, true, false]),
    (["Best option: (A)", "The answer is A.", "Short answer: (A)"], "A", [false, false, true, true]),
    (["Option C"], "C", [false, false, true, true]),
    (["**B**", "Answer: B"], "B", [false, false, true, true]),
    (["", "(", ")", "."], "ABCD", [true, false, true, false]),
    ([" (A)"], "A", [true, false, true, true]),
    (["\n(A)"], "A", [true, true, true, true]),
    (["A\nBecause it is the medicine that was eaten."], "A", [false, false, false, true]),
    (["(A)\nBecause it is the medicine that was eaten."], "A", [true, true, true, true]),
    (["A person takes food."], "A", [true, true, true, true]),
    (["A person takes food."], "B", [false, false, false, false]),
    (["B or C", "(B) or (C)"], "B", [true, true, true, true]),
    (["(D) Took the box", "D. Took the box."], "D", [true, true, true, true]),
    (["E", "I cannot see the video."], "A", [false, false, false, false]),
  ]

  @Test("each rule gives what the program that it is named for gives")
  func golden() throws {
    for (replies, golds, right) in Self.table {
      for (reply, gold) in replies.flatMap({ reply in golds.map { (reply, String($0)) } }) {
        for (rule, isRight) in zip(["official", "pllava", "vlmevalkit", "lmms"], right) {
          let verdict = try Self.verdict(rule, reply, gold)
          #expect((verdict == .right) == isRight, "\(rule): \"\(reply)\" for \(gold)")
        }
      }
    }
    // A leading space: whatever the answer is, nothing stands before it.
    #expect(try Self.verdict("official", " (A)", "D") == .right)
  }

  @Test(
    "strict wants the letter alone, plain the words",
    arguments: [
      ("A", true, false), ("(A)", true, false), (" (A)\n", true, false), ("a", false, false),
      ("A.", false, false), ("(A).", false, false), ("A)", false, false),
      ("(A) Ate the medicine.", false, false),
      ("Ate the medicine", false, true), ("ate the medicine. Then", false, true), ("", false, false),
    ])
  func ownRules(reply: String, strict: Bool, plain: Bool) throws {
    #expect((try Self.verdict("strict", reply, "A") == .right) == strict)
    #expect((try Self.verdict("plain", reply, "A") == .right) == plain)
  }

  @Test("a reply in which a rule finds no option is unparsed, another option is wrong")
  func unparsed() throws {
    for (rule, reply, verdict) in [
      ("pllava", "I cannot see the video.", ScoringRule.Verdict.unparsed), ("pllava", "(B)", .wrong),
      ("pllava", "", .unparsed), ("official", "Hello there", .unparsed), ("official", "(B) x", .wrong),
      ("vlmevalkit", "Cannot determine the answer", .unparsed), ("vlmevalkit", "Took the box.", .wrong),
      ("vlmevalkit", "Tidied up the blanket. Took the box.", .unparsed), ("lmms", "no idea", .unparsed),
      ("lmms", "It's B", .wrong), ("strict", "B.", .unparsed), ("strict", "B", .wrong),
      ("plain", "nothing", .unparsed), ("plain", "took the box", .wrong),
    ] {
      #expect(try Self.verdict(rule, reply, "A") == verdict, "\(rule): \(reply)")
    }
  }

  @Test("plain judges free answers, rules about options refuse them; the true answer needs a letter")
  func free() throws {
    #expect(try ScoringRule.plain.verdict("never", on: question("Never.")) == .right)
    #expect(try ScoringRule.plain.verdict("always", on: question("Never.")) == .wrong)
    #expect(try ScoringRule.plain.verdict(" \n", on: question("Never.")) == .unparsed)
    for rule in ScoringRule.all where !["plain", "words", "seconds"].contains(rule.name) {
      let error = #expect(throws: CogError.self) { try rule.verdict("A", on: question("Never.")) }
      #expect(error?.subject == "--rule \(rule.name)")
    }
    let many = (0..<27).map { "option \($0)" }
    #expect(throws: CogError.self) {
      try ScoringRule.pllava.verdict("A", on: question("option 3", candidates: many))
    }
    // Letters go on beyond those that lmms-eval looks for.
    let six = question("f", candidates: ["u", "v", "w", "x", "y", "f"])
    #expect(try ScoringRule.lmms.verdict("(F)", on: six) == .right)
    #expect(try ScoringRule.pllava.verdict("(f)", on: six) == .right)
  }

  @Test("each rule has a name of its own, which finds it")
  func names() {
    #expect(
      ScoringRule.all.map(\.name) == [
        "plain", "pllava", "official", "vlmevalkit", "lmms", "strict", "words", "seconds",
      ])
    #expect(ScoringRule.all.allSatisfy { ScoringRule(named: $0.name)?.source == $0.source })
    #expect(ScoringRule(named: "Plain") == nil)
  }

  @Test(
    "intervals are Wilson's",
    arguments: [
      // scipy.stats.binomtest(x, n).proportion_ci(0.95, "wilson")
      (0, 10, 0, 0.27753280), (10, 10, 0.72246720, 1), (5, 10, 0.23659309, 0.76340691),
      (159, 200, 0.73374302, 0.84513824), (2491, 4000, 0.60761829, 0.63764616),
    ])
  func wilson(successes: Int, count: Int, low: Double, high: Double) throws {
    let interval = try #require(WilsonInterval(successes, of: count))
    #expect(abs(interval.low - low) < 1e-7 && abs(interval.high - high) < 1e-7, "\(interval)")
    #expect(WilsonInterval(0, of: 0) == nil)
  }

  @Test("MVBench has 20 tasks in nine groups, whose published mean is the one that the card states")
  func table() throws {
    let tasks = Benchmark.mvbench.tasks
    #expect(tasks.count == 20 && Set(tasks.map(\.name)).count == 20 && Set(tasks.map(\.group)).count == 9)
    let mean = tasks.compactMap(\.published).reduce(0, +) / 20
    #expect(abs(mean - 0.62275) < 1e-12)
    #expect(abs(try #require(Benchmark.mvbench.published) - mean) < 0.0005)
    // Of 200 questions each.
    let counts = tasks.map { ($0.published ?? 0) * 200 }
    #expect(counts.allSatisfy { abs($0 - $0.rounded()) < 1e-9 })
  }
}
