import CogBase
package import CogMedia

/// The captions of a run as files that other programs read. What has no caption is in none of them.
package struct CaptionExport: Sendable {
  /// One caption.
  package struct Row: Equatable, Sendable {
    /// The video, as the run names it.
    package let video: String
    /// The video, as the files name it.
    let path: String
    /// The piece of it; nil for all of it.
    package let bounds: ClipBounds?
    /// The caption, never empty.
    package let text: CaptionText
  }

  /// The form of the files.
  package let form: CaptionForm
  /// The captions, in the order of the run.
  package let rows: [Row]
  /// Items of the run that are left out: without a caption, or of a video another piece of which has none
  /// where the form cannot say so.
  package let leftOut: Int
  /// What a user should know of the names, which some readers may not tell apart.
  package private(set) var notes: [String] = []

  /// The captions of a run.
  ///
  /// - Parameters:
  ///   - words: cuts captions after so many words, where a sentence ends; nil keeps them whole.
  ///   - names: how the files name videos; nil as the run does.
  /// - Throws: ``CogError`` when the run has no captions, or none of seconds where the form is of them; when
  ///   two of its videos have names that the form's reader takes for one; when the form has no place for
  ///   pieces of videos; when a name does not fit it, or does not lead to its video.
  package init(_ merged: MergedRun, form: CaptionForm, words: Int? = nil, names: VideoNames? = nil) throws {
    let header = merged.folders[0]
    guard header.header.job == RunList.captionJob else {
      throw CogError(
        "the run has no captions", code: .unsupported, file: header.headerPath, subject: "job",
        expected: RunList.captionJob, found: header.header.job,
        advice: "Only runs of cogvlm caption are exported.")
    }
    let pieces = header.header.settings.pieces
    guard form != .seconds || pieces == CaptionPieces.seconds.name else {
      throw CogError(
        "the run has no captions of seconds", code: .unsupported, file: header.headerPath,
        subject: "pieces", expected: CaptionPieces.seconds.name, found: pieces ?? "whole videos",
        advice: "Caption the videos with --every-second, or export another form.")
    }
    try self.init(merged.list, merged.lines.best, form, words: words) {
      form.namesVideos ? try names?.path(of: $0) ?? $0 : $0
    }
  }

  private init(
    _ list: RunList, _ records: [String: RunRecord], _ form: CaptionForm, words: Int?,
    path: (String) throws -> String
  ) throws {
    self.form = form
    if let piece = list.items.first(where: { $0.bounds != nil }), !form.takesPieces {
      throw CogError(
        "the form has no place for pieces of videos", code: .unsupported, subject: form.rawValue,
        expected: "a run of whole videos", found: piece.summary,
        advice: "Use " + CaptionForm.allCases.filter(\.takesPieces).map(\.rawValue).joined(separator: ", ")
          + ".")
    }
    var rows = try list.items.compactMap { item -> Row? in
      let text = CaptionText(records[item.key]?.reply ?? "", words: words)
      guard !text.line.isEmpty else { return nil }
      return Row(video: item.video, path: try path(item.video), bounds: item.bounds, text: text)
    }
    let pieces = Dictionary(grouping: list.items, by: \.video).mapValues(\.count)
    if form == .sidecar {
      // Its lines have no seconds: they must be those of all pieces.
      let captioned = Dictionary(grouping: rows, by: \.video).mapValues(\.count)
      rows = rows.filter { captioned[$0.video] == pieces[$0.video] }
    }
    self.rows = rows
    leftOut = list.items.count - rows.count
    try requireNames()
  }

  /// What reads `prompts` knows videos by the last part of their names, without the ending, and has a name on
  /// each line; texts of two videos must be two files.
  private mutating func requireNames() throws {
    if form.hasTexts, let (video, other) = Self.equal(rows, by: { textPath(of: $0.video) }) {
      throw CogError(
        "two videos would have one text", subject: video.printable,
        expected: "names that differ before their endings", found: other.printable,
        advice: "Use csv or jsonl.")
    }
    if let (video, other) = Self.equal(rows, by: \.video.stem) {
      guard form != .prompts else {
        throw CogError(
          "two videos have names that what reads the form takes for one", subject: video.printable,
          expected: "names that differ before their endings, whatever their folders",
          found: other.printable, advice: "Use csv, jsonl or videox-fun.")
      }
      notes = [
        "\(video) and \(other) have one name but for folder and ending: some programs take such for one"
      ]
    }
    if form == .prompts, let path = rows.map(\.path).first(where: { CaptionText($0).line != $0 }) {
      throw CogError(
        "the name of the video does not fit a line", subject: path.printable,
        expected: "a name without line ends and double spaces", advice: "Use csv or jsonl.")
    }
  }

  /// Two videos with the same part of their names; nil where all differ.
  private static func equal(_ rows: [Row], by part: (Row) -> String) -> (String, String)? {
    var known: [String: String] = [:]
    for row in rows {
      if let other = known.updateValue(row.video, forKey: part(row)), other != row.video {
        return (row.video, other)
      }
    }
    return nil
  }

  /// The files.
  ///
  /// - Throws: ``CogError`` when a line cannot be written as JSON.
  package func files() throws -> [ExportFile] {
    let byVideo = Dictionary(grouping: rows, by: \.video)
    var known: Set<String> = []
    let videos = rows.map(\.video).filter { known.insert($0).inserted }
    func lines(_ lines: some Sequence<String>) -> String { lines.map { $0 + "\n" }.joined() }
    switch form {
    case .sidecar, .sat:
      return videos.map {
        ExportFile(path: textPath(of: $0), text: lines((byVideo[$0] ?? []).map(\.text.line)))
      }
    case .prompts:
      return [
        ExportFile(path: "prompts.txt", text: lines(rows.map(\.text.line))),
        ExportFile(path: "videos.txt", text: lines(rows.map(\.path))),
      ]
    case .csv: return [ExportFile(path: "metadata.csv", text: lines(csv))]
    case .jsonl:
      return [
        ExportFile(path: "metadata.jsonl", text: lines(try rows.map { try RunLine.encode(Metadata($0)) }))
      ]
    case .videoxFun:
      let entries = rows.map { VideoXEntry(filePath: $0.path, text: $0.text.line) }
      return [ExportFile(path: "metadata.json", text: try RunLine.encode(entries, pretty: true) + "\n")]
    case .seconds:
      return [
        ExportFile(
          path: "seconds.jsonl", text: lines(videos.map { Self.seconds($0, byVideo[$0] ?? []) }))
      ]
    }
  }

  /// Where the text lies that belongs to a video.
  private func textPath(of video: String) -> String {
    let name = video.belowFolder.withoutEnding + ".txt"
    guard form == .sat else { return name }
    return "labels/" + (name.hasPrefix("videos/") ? String(name.dropFirst("videos/".count)) : name)
  }

  private var hasPieces: Bool { rows.contains { $0.bounds != nil } }

  private var csv: [String] {
    func cell(_ text: String) -> String { "\"" + text.replacing("\"", with: "\"\"") + "\"" }
    let header = "file_name,video_path,caption" + (hasPieces ? ",start,end" : "")
    return [header]
      + rows.map { row in
        let piece = hasPieces ? ",\(row.bounds.map { "\($0.start),\($0.end)" } ?? ",")" : ""
        return "\(cell(row.path)),\(cell(row.path)),\(cell(row.text.line))" + piece
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
      (fileName, videoPath, caption) = (row.path, row.path, row.text.line)
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
