import CogBase
package import CogEvaluate

/// What `merge --json` prints.
package struct MergeReport: Equatable, Sendable, Encodable {
  /// An item of the run's list.
  package struct Item: Equatable, Sendable, Encodable {
    /// What identifies it.
    package let key: String
    /// Its video and what is asked.
    package let video: String
    package let question: String

    init(_ item: RunItem) { (key, video, question) = (item.key, item.video, item.question) }
  }

  /// Items of the list.
  package let items: Int
  /// Those that failed, that have no line, and that have replies which differ.
  package let failed: [Item]
  package let missing: [Item]
  package let conflicts: [Item]
  /// Lines that are none, as `FILE, line N`.
  package let damaged: [String]
  /// Where the results are; nil where they were not written.
  package let output: String?
  /// What was exported; nil without an export.
  package let export: ExportReport?

  /// What is there of a run.
  package init(_ merged: MergedRun, output: String?, export: CaptionExport? = nil) {
    self.export = export.map(ExportReport.init)
    items = merged.list.items.count
    (failed, missing) = (merged.failed.map(Item.init), merged.missing.map(Item.init))
    (conflicts, damaged) = (merged.conflicts.map(Item.init), merged.lines.damaged)
    self.output = output
  }

  /// How much is there, in one line.
  package var text: String {
    let counts =
      "\(items - missing.count) of \(items) items, \(failed.count) failed, \(missing.count) missing, "
      + "\(conflicts.count) with replies that differ"
    let line = output.map { "\(counts): \($0.printable)" } ?? "\(counts): nothing is written"
    return export.map { "\(line)\n\($0.text)" } ?? line
  }

  private enum CodingKeys: String, CodingKey {
    case items, failed, missing, conflicts, damaged, output, export
  }

  /// Writes `output` as null where nothing was written; `export` is there only where something was exported.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(items, forKey: .items)
    try container.encode(failed, forKey: .failed)
    try container.encode(missing, forKey: .missing)
    try container.encode(conflicts, forKey: .conflicts)
    try container.encode(damaged, forKey: .damaged)
    try container.encode(output, forKey: .output)
    try container.encodeIfPresent(export, forKey: .export)
  }
}
