package import CogBase

/// All that is known of a run, in the order of its list.
package struct MergedRun: Sendable {
  /// The folders of the run: one, or one of each machine.
  package let folders: [RunFolder]
  /// What was to be asked.
  package let list: RunList
  /// What the parts say.
  package let lines: RunLines

  /// Reads the folders.
  ///
  /// - Parameter paths: at least one.
  /// - Throws: `CogError` when one has no run, or another one than the first; as ``RunFolder/list()`` and
  ///   ``RunLines``.
  package init(_ paths: [String], cancellation: any Cancellation = NeverCancelled()) throws {
    folders = try paths.map { try RunFolder(path: $0) }
    guard let first = folders.first else { throw CogError("there is no run to merge") }
    for folder in folders.dropFirst() {
      try first.header.requireSame(as: folder.header, file: folder.headerPath)
    }
    list = try first.list()
    lines = try RunLines(folders, cancellation: cancellation)
  }

  /// The files that were read.
  package var files: [String] { folders.flatMap { [$0.headerPath, $0.itemsPath] } + lines.files }

  /// Items without a line.
  package var missing: [RunItem] { list.items.filter { lines.best[$0.key] == nil } }
  /// Items that have failed.
  package var failed: [RunItem] { list.items.filter { lines.best[$0.key]?.status == .failed } }
  /// Items that have replies which differ.
  package var conflicts: [RunItem] { list.items.filter { lines.conflicts.contains($0.key) } }

  /// What is known of each item that has a line, in the order of the list.
  package var results: [RunResult] {
    list.items.compactMap { item in lines.best[item.key].map { RunResult(item, $0) } }
  }

  /// The lines of the results (`Formats/run.md`). They depend neither on shards nor on interruptions.
  ///
  /// - Throws: `CogError` when one cannot be written as JSON; what `emit` throws.
  package func results(_ emit: (String) throws -> Void) throws {
    let source = MergedLine.Source(folders[0].header)
    for result in results { try emit(RunLine.encode(MergedLine(result: result, run: source)) + "\n") }
  }
}

/// A line of merged results: a result, and what a reader must know of its run.
struct MergedLine: Codable {
  /// The run that a line is from.
  struct Source: Codable, Equatable {
    /// SHA-256 of its list, and how many items that has.
    let digest: String
    let items: Int
    /// The rule that chose the frames.
    let frames: String

    /// The run of a header.
    init(_ header: RunHeader) {
      (digest, items, frames) = (header.items.digest, header.items.count, header.frames)
    }
  }

  let result: RunResult
  /// Nil in files of versions that did not write it.
  let run: Source?

  private enum CodingKeys: String, CodingKey { case run }

  init(result: RunResult, run: Source?) { (self.result, self.run) = (result, run) }

  /// Reads a line.
  init(from decoder: any Decoder) throws {
    result = try RunResult(from: decoder)
    run = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(Source.self, forKey: .run)
  }

  /// Writes the keys of the result, and `run`.
  func encode(to encoder: any Encoder) throws {
    try result.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(run, forKey: .run)
  }
}
