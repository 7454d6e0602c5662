import CogBase
import CogEvaluate
import CogTestSupport
import Foundation
import Testing

/// Scores of runs, of times, and of two runs against each other.
struct ScoreReportTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func results(_ name: String, _ entries: [(RunItem, String?)]) throws -> RunResults {
    let lines = try entries.map { item, reply in
      let encoded = try JSONEncoder().encode(item)
      var object = try #require(try JSONSerialization.jsonObject(with: encoded) as? [String: Any])
      object["status"] = reply == nil ? "failed" : "ok"
      object["reply"] = reply ?? NSNull()
      (object["ids"], object["frames"]) = ([Int](), [Double]())
      return String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self) + "\n"
    }
    return try RunResults(path: folder.write(lines.joined().utf8, as: name))
  }

  private func choice(_ task: String, _ number: Int) -> RunItem {
    RunItem(
      dataset: "mvbench", video: "v\(number)", task: task, question: "q", candidates: ["x", "y"], answer: "x")
  }

  @Test("failed and unparsed count as wrong; groups, and means over the tasks that are there and over all")
  func mvbench() throws {
    let run = try results(
      "a",
      [
        (choice("Action Sequence", 0), "(A)"), (choice("Action Sequence", 1), "(B)"),
        (choice("Action Sequence", 2), "who knows"), (choice("Action Sequence", 3), nil),
        (choice("Object Shuffle", 0), "A"), (choice("Fine-grained Pose", 0), nil),
      ])
    let report = try ScoreReport(run)
    #expect(report.rule.name == "pllava" && report.tasks.count == 20 && report.groups.count == 9)
    let first = report.tasks[0]
    #expect(first.name == "Action Sequence" && first.count.accuracy == 0.25 && first.published == 0.795)
    // What is published is of one rule.
    let other = try ScoreReport(run, rule: .lmms)
    #expect(other.means.published == nil && other.tasks.allSatisfy { $0.published == nil })
    #expect(first.count.failed == 1 && first.count.unparsed == 1 && first.count.questions == 4)
    #expect(report.total.accuracy == 2.0 / 6 && report.result.accuracy.overall == 2.0 / 6)
    // Of the pose task nothing was answered: its clips are not there.
    #expect(report.tasks.filter(\.isPresent).map(\.name) == ["Action Sequence", "Object Shuffle"])
    #expect(report.means.present == 0.625 && report.means.all == 1.25 / 20)
    #expect(report.groups.map(\.name).first == "Action" && report.groups[0].count == first.count)
    #expect(try ScoreReport(run, rule: .strict).total.correct == 2)
    let words = try ScoreReport(run, rule: .plain)
    #expect(words.total.correct == 0 && words.total.unparsed == 4)
  }

  @Test("a run without true answers is not scored")
  func captions() throws {
    let run = try results("a", [(RunItem(dataset: "captions", video: "v", question: "q"), "x")])
    #expect(throws: CogError.self) { try ScoreReport(run) }
  }

  @Test("times: moments by their distance, spans by the part of the hull that is shared")
  func times() throws {
    func item(_ gold: String, _ number: Int) -> RunItem {
      RunItem(
        dataset: "tqa", video: "v\(number)", task: gold.contains("to") ? "span" : "moment", question: "q",
        answer: gold)
    }
    let run = try results(
      "a",
      [
        (item("3 s", 0), "At the 3rd second."), (item("3 s", 1), "At 5 seconds."), (item("3 s", 2), "Soon."),
        (item("30 s", 3), "At 23 seconds"), (item("3 to 7 s", 4), "At 4 seconds"),
        (item("3 to 7 s", 5), "3 to 6 seconds"), (item("3 to 7 s", 6), nil),
      ])
    let report = try ScoreReport(run)
    #expect(report.rule.name == "seconds" && report.total.correct == 3 && report.total.unparsed == 1)
    let times = try #require(report.times)
    #expect(times.moments.questions == 4 && times.moments.parsed == 3 && times.moments.exact == 1)
    #expect(times.moments.within == ["1": 1, "2": 2, "3": 2, "5": 2] && times.moments.outside == 1)
    #expect(times.moments.meanError == 3 && times.moments.medianError == 2)
    #expect(times.spans.questions == 3 && times.spans.hits == 2 && times.spans.outside == 0)
    #expect(times.spans.recall == ["0.3": 1, "0.5": 1, "0.7": 1] && times.spans.meanOverlap == 0.25)
  }

  @Test("two runs: what only one has right, and how likely that is by chance")
  func pairs() throws {
    let items = (0..<12).map { choice("t", $0) }
    let first = try results("a", items.map { ($0, "(A)") })
    let second = try results(
      "b", items.enumerated().map { ($1, $0 < 6 ? "(B)" : "(A)") } + [(choice("t", 99), "(A)")])
    let pairs = try PairedScores(first, second)
    #expect(pairs.total.bothRight == 6 && pairs.total.onlyFirst == 6 && pairs.total.onlySecond == 0)
    // 2 * 0.5^6
    #expect(abs(pairs.total.probability - 0.03125) < 1e-12 && pairs.unpaired == 1)
    #expect(pairs.flips.count == 6 && pairs.flips.allSatisfy { $0.right == "first" && $0.second == "(B)" })
    #expect(try PairedScores(first, first).total.probability == 1)
    let others = try results("c", [(choice("u", 0), "(A)")])
    #expect(throws: CogError.self) { try PairedScores(first, others) }
  }

  @Test(
    "the exact test of McNemar",
    // scipy.stats.binomtest(few, few + many).pvalue
    arguments: [(1, 9, 0.021484375), (5, 5, 1), (40, 60, 0.05688793364098), (1000, 1100, 0.03072070786424)])
  func exact(few: Int, many: Int, expected: Double) {
    var count = PairedScores.Count()
    (count.onlyFirst, count.onlySecond) = (many, few)
    #expect(abs(count.probability - expected) < 1e-9)
  }
}
