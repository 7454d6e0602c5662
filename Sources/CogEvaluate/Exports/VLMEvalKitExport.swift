import CogBase

extension ExportForm {
  /// A prediction file of VLMEvalKit's `MVBench` or, where no question has bounds, `MVBench_MP4`, as
  /// tab-separated values and as JSON.
  ///
  /// Source: VLMEvalKit, `vlmeval/dataset/mvbench.py`; `candidates` is a list of Python, which it evaluates.
  static let vlmEvalKit = ExportForm(name: "vlmevalkit", benchmarks: ["mvbench"]) { run in
    let isCut = !run.results.contains { $0.item.bounds != nil }
    let rows = run.results.enumerated().map { Row($0.offset, $0.element, isCut: isCut) }
    let name = isCut ? "cogvlm_MVBench_MP4" : "cogvlm_MVBench"
    let lines = ([Row.columns(isCut: isCut)] + rows.map(\.cells)).map {
      $0.map(quoted).joined(separator: "\t") + "\n"
    }
    return [
      ExportFile(path: "\(name).tsv", text: lines.joined()),
      ExportFile(path: "\(name).json", text: try document(rows)),
    ]
  }

  /// A cell as Python's csv reads it.
  private static func quoted(_ cell: String) -> String {
    guard cell.contains(where: { "\t\"\n\r".contains($0) || $0 == "\r\n" }) else { return cell }
    return "\"" + cell.replacing("\"", with: "\"\"") + "\""
  }

  private struct Row: Encodable {
    let index: Int
    let result: RunResult
    let isCut: Bool

    init(_ index: Int, _ result: RunResult, isCut: Bool) {
      (self.index, self.result, self.isCut) = (index, result, isCut)
    }

    private enum CodingKeys: String, CodingKey {
      case task = "task_type"
      case prefix
      case kind = "data_type"
      case bound, start, end, video, question, answer, candidates, index, prediction
    }

    static func columns(isCut: Bool) -> [String] {
      let keys: [CodingKeys] =
        [.task, .prefix] + (isCut ? [] : [.kind, .bound, .start, .end])
        + [.video, .question, .answer, .candidates, .index, .prediction]
      return keys.map(\.stringValue)
    }

    /// In the order of the columns.
    var cells: [String] {
      let item = result.item
      let bounds = [
        kind, item.bounds == nil ? "False" : "True", item.bounds.map { "\($0.start)" } ?? "",
        item.bounds.map { "\($0.end)" } ?? "",
      ]
      return [item.task ?? "", prefix] + (isCut ? [] : bounds)
        + [name, item.question, item.answer ?? "", candidates, "\(index)", prediction]
    }

    func encode(to encoder: any Encoder) throws {
      let item = result.item
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(item.task, forKey: .task)
      try container.encode(prefix, forKey: .prefix)
      if !isCut {
        try container.encode(kind, forKey: .kind)
        try container.encode(item.bounds != nil, forKey: .bound)
        try container.encode(item.bounds?.start, forKey: .start)
        try container.encode(item.bounds?.end, forKey: .end)
      }
      try container.encode(name, forKey: .video)
      try container.encode(item.question, forKey: .question)
      try container.encode(item.answer, forKey: .answer)
      try container.encode(candidates, forKey: .candidates)
      try container.encode(index, forKey: .index)
      try container.encode(prediction, forKey: .prediction)
    }

    private var kind: String { result.item.imagesPerSecond == nil ? "video" : "frame" }
    private var name: String { result.item.video.lastPathName }
    private var prefix: String {
      let folder = result.item.video.folderOfPath
      return "video/" + (folder == "./" ? "" : folder)
    }
    private var candidates: String {
      "[\((result.item.candidates ?? []).map(Self.literal).joined(separator: ", "))]"
    }

    /// The reply, or where there is none the text by which VLMEvalKit knows that: it takes an empty cell for
    /// a right answer.
    private var prediction: String {
      let reply = result.said
      return reply.allSatisfy(\.isWhitespace) ? "Failed to obtain answer via API." : reply
    }

    /// A text as Python writes it.
    private static func literal(_ text: String) -> String {
      let escaped = text.unicodeScalars.map { scalar in
        switch scalar {
        case "\\": return "\\\\"
        case "'": return "\\'"
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        default: return String(scalar)
        }
      }
      return "'\(escaped.joined())'"
    }
  }
}
