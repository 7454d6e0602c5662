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
    for result in results { try emit(RunLine.encode(result) + "\n") }
  }
}
