import CogBase
import Glibc

extension Benchmark {
  /// Questions about when something happens, answered in seconds.
  package static let tqa = Benchmark(
    name: "tqa", rule: .seconds, maxNewTokens: 50, open: { try .tqa(path: $0, videoFolder: $1) })
}

extension BenchmarkQuestions {
  /// Lines of `{"video", "question", "gold"}`, of which `gold` is a second or a list of two, or lines of
  /// Charades-STA, `ID start end##sentence`.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - videoFolder: the folder of the videos; nil takes `videos` beside it.
  /// - Throws: `CogError` that names the line when it is none.
  static func tqa(path: String, videoFolder: String?) throws -> BenchmarkQuestions {
    let items = try InputLines.ofFile(path) { try tqaItems(of: &$0, path) }
    guard !items.isEmpty else { throw CogError("the file asks nothing", file: path, expected: "JSON lines") }
    return BenchmarkQuestions(
      .tqa, RunList(items), clips: ClipFolder(stems: videoFolder ?? path.besidePath("videos")), files: [path])
  }

  private static func tqaItems(of lines: inout InputLines, _ path: String) throws -> [RunItem] {
    var (items, number, copies): ([RunItem], Int, RunItem.Copies) = ([], 0, .init())
    while let line = try lines.next() {
      number += 1
      guard line.contains(where: { $0 > UInt8(ascii: " ") }) else { continue }
      guard line.count <= RunLine.longest, items.count < QuestionSet.mostQuestions else {
        throw CogError(
          "there is too much to ask", file: path, subject: "line \(number)",
          expected: "at most \(QuestionSet.mostQuestions) lines of 1 MiB")
      }
      try naming(file: path) {
        let (video, question, gold) = try parsed(line, "line \(number)")
        items.append(
          copies.numbered {
            RunItem(
              dataset: "tqa", video: video, task: gold.count == 1 ? "moment" : "span", question: question,
              answer: gold.map(\.secondsText).joined(separator: " to ") + " s", copy: $0)
          })
      }
    }
    return items
  }

  private static func parsed(
    _ line: [UInt8], _ subject: String
  ) throws -> (video: String, question: String, gold: [Double]) {
    if line.first(where: { $0 > UInt8(ascii: " ") }) != UInt8(ascii: "{") {
      return try charades(String(decoding: line, as: UTF8.self), subject)
    }
    let entry = try BenchmarkEntry(JSON.parse(line, what: subject), subject)
    return (try entry.name("video"), try entry.text("question"), try entry.seconds("gold"))
  }

  private static func charades(
    _ line: String, _ subject: String
  ) throws -> (video: String, question: String, gold: [Double]) {
    let parts = line.split(separator: "##", maxSplits: 1).map { $0.trimmingWhitespace() }
    let fields = (parts.first ?? "").split(separator: " ")
    guard parts.count == 2, fields.count == 3, BenchmarkEntry.isInside(String(fields[0])),
      let start = Double(fields[1]), let end = Double(fields[2]), BenchmarkEntry.areSeconds([start, end])
    else {
      throw CogError(
        "the line is no question about a time", subject: subject,
        expected: "JSON with video, question and gold, or ID start end##sentence",
        found: String(line.prefix(80)))
    }
    return (String(fields[0]), "When does this happen in the video: \(parts[1])", [start, end])
  }
}

extension BenchmarkEntry {
  /// Whether they are a moment or a span of a video.
  static func areSeconds(_ values: [Double]) -> Bool {
    (1...2).contains(values.count) && values.allSatisfy { $0.isFinite && $0 >= 0 && $0 < 1e7 }
      && (values.first ?? 0) <= (values.last ?? 0)
  }

  /// A second, or the two ends of a span. - Throws: `CogError` when it is none.
  func seconds(_ key: String) throws -> [Double] {
    let values = numbers(key)
    guard Self.areSeconds(values) else {
      throw CogError(
        "a field is wrong", subject: "\(subject), \(key)", expected: "a second, or a list of start and end",
        found: values.isEmpty ? "no number" : "\(values)")
    }
    return values
  }
}
