import CogBase
package import CogMedia

/// The captions of a run as files that other programs read. What has no caption is in none of them.
package struct CaptionExport: Sendable {
  /// One caption.
  package struct Row: Equatable, Sendable {
    /// The video, as the run names it.
    package let video: String
    /// The piece of it; nil for all of it.
    package let bounds: ClipBounds?
    /// The caption, never empty.
    package let text: CaptionText
  }

  /// One file.
  package struct File: Equatable, Sendable {
    /// Below the folder of the export.
    package let path: String
    /// What is in it.
    package let text: String
  }

  /// The form of the files.
  package let form: CaptionForm
  /// The captions, in the order of the run.
  package let rows: [Row]
  /// Items of the run that are left out: without a caption, or of a video another piece of which has none
  /// where the form cannot say so.
  package let leftOut: Int

  /// The captions of a run.
  ///
  /// - Parameter words: cuts captions after so many words, where a sentence ends; nil keeps them whole.
  /// - Throws: ``CogError`` when the run has no captions or two of its videos have names that readers take
  ///   for one; when the form has no place for pieces of videos; when a name does not fit it.
  package init(_ merged: MergedRun, form: CaptionForm, words: Int? = nil) throws {
    let header = merged.folders[0]
    guard header.header.job == RunList.captionJob else {
      throw CogError(
        "the run has no captions", code: .unsupported, file: header.headerPath, subject: "job",
        expected: RunList.captionJob, found: header.header.job,
        advice: "Only runs of cogvlm caption are exported.")
    }
    try self.init(merged.list, merged.lines.best, form: form, words: words)
  }

  init(_ list: RunList, _ records: [String: RunRecord], form: CaptionForm, words: Int? = nil) throws {
    self.form = form
    var rows = list.items.compactMap { item -> Row? in
      let text = CaptionText(records[item.key]?.reply ?? "", words: words)
      return text.line.isEmpty ? nil : Row(video: item.video, bounds: item.bounds, text: text)
    }
    let pieces = Dictionary(grouping: list.items, by: \.video).mapValues(\.count)
    if form == .sidecar {
      // Its lines have no seconds: they must be those of all pieces.
      let captioned = Dictionary(grouping: rows, by: \.video).mapValues(\.count)
      rows = rows.filter { captioned[$0.video] == pieces[$0.video] }
    }
    if let piece = list.items.first(where: { $0.bounds != nil }), !form.takesPieces {
      throw CogError(
        "the form has no place for pieces of videos", code: .unsupported, subject: form.rawValue,
        expected: "a run of whole videos", found: piece.summary,
        advice: "Use " + CaptionForm.allCases.filter(\.takesPieces).map(\.rawValue).joined(separator: ", ")
          + ".")
    }
    self.rows = rows
    leftOut = list.items.count - rows.count
    try requireNames()
  }

  /// Readers know videos by the last part of their names, without the ending; lists have a name on each line.
  private func requireNames() throws {
    var known: [String: String] = [:]
    for row in rows {
      if let other = known.updateValue(row.video, forKey: row.video.stem), other != row.video {
        throw CogError(
          "two videos have names that readers take for one", subject: row.video.printable,
          expected: "names that differ before their endings, whatever their folders",
          found: other.printable, advice: "Rename one of them, and caption them anew.")
      }
      if form == .prompts, CaptionText(row.video).line != row.video {
        throw CogError(
          "the name of the video does not fit a line", subject: row.video.printable,
          expected: "a name without line ends and double spaces", advice: "Use csv or jsonl.")
      }
    }
  }

  /// The files.
  ///
  /// - Throws: ``CogError`` when a line cannot be written as JSON.
  package func files() throws -> [File] {
    let byVideo = Dictionary(grouping: rows, by: \.video)
    var known: Set<String> = []
    let videos = rows.map(\.video).filter { known.insert($0).inserted }
    func lines(_ lines: some Sequence<String>) -> String { lines.map { $0 + "\n" }.joined() }
    func texts(_ name: (String) -> String) -> [File] {
      videos.map { File(path: name($0), text: lines((byVideo[$0] ?? []).map(\.text.line))) }
    }
    switch form {
    case .sidecar: return texts { $0.belowFolder.withoutEnding + ".txt" }
    case .sat:
      return texts {
        let name = $0.belowFolder.withoutEnding + ".txt"
        return "labels/" + (name.hasPrefix("videos/") ? String(name.dropFirst("videos/".count)) : name)
      }
    case .prompts:
      return [
        File(path: "prompts.txt", text: lines(rows.map(\.text.line))),
        File(path: "videos.txt", text: lines(rows.map(\.video))),
      ]
    case .csv: return [File(path: "metadata.csv", text: lines(csv))]
    case .jsonl:
      return [File(path: "metadata.jsonl", text: lines(try rows.map { try RunLine.encode(Metadata($0)) }))]
    case .videoxFun:
      let entries = rows.map { VideoXEntry(filePath: $0.video, text: $0.text.line) }
      return [File(path: "metadata.json", text: try RunLine.encode(entries, pretty: true) + "\n")]
    case .seconds:
      return [File(path: "seconds.jsonl", text: lines(videos.map { Self.seconds($0, byVideo[$0] ?? []) }))]
    }
  }

  private var hasPieces: Bool { rows.contains { $0.bounds != nil } }

  private var csv: [String] {
    func cell(_ text: String) -> String { "\"" + text.replacing("\"", with: "\"\"") + "\"" }
    let header = "file_name,video_path,caption" + (hasPieces ? ",start,end" : "")
    return [header]
      + rows.map { row in
        let piece = hasPieces ? ",\(row.bounds.map { "\($0.start),\($0.end)" } ?? ",")" : ""
        return "\(cell(row.video)),\(cell(row.video)),\(cell(row.text.line))" + piece
      }
  }

  /// In the order of the seconds, which sorted texts would not be in.
  private static func seconds(_ video: String, _ rows: [Row]) -> String {
    let captions = rows.map { row in
      let name = (row.bounds?.start ?? 0).secondsText
      return "\(name.jsonLiteral):\(row.text.line.jsonLiteral)"
    }
    return "{\"video\":\(video.jsonLiteral),\"captions\":{\(captions.joined(separator: ","))}}"
  }

  /// A line of `metadata.jsonl`: the same video under both names that readers know.
  private struct Metadata: Encodable {
    let fileName: String
    let videoPath: String
    let caption: String
    let start: Double?
    let end: Double?

    private enum CodingKeys: String, CodingKey {
      case fileName = "file_name"
      case videoPath = "video_path"
      case caption, start, end
    }

    init(_ row: Row) {
      (fileName, videoPath, caption) = (row.video, row.video, row.text.line)
      (start, end) = (row.bounds?.start, row.bounds?.end)
    }
  }

  private struct VideoXEntry: Encodable {
    let filePath: String
    let text: String
    private(set) var type = "video"

    private enum CodingKeys: String, CodingKey {
      case filePath = "file_path"
      case text, type
    }
  }
}

extension String {
  /// The last part of a name, without its ending.
  fileprivate var stem: String { lastPathName.withoutEnding }

  /// A name that stays below the folder that it is written in: of others only the last part.
  fileprivate var belowFolder: String {
    isAbsolutePath || split(separator: "/").contains("..") ? lastPathName : self
  }

  fileprivate var withoutEnding: String {
    let start = lastIndex(of: "/").map(index(after:)) ?? startIndex
    guard let dot = self[start...].lastIndex(of: "."), dot > start else { return self }
    return String(self[..<dot])
  }
}
