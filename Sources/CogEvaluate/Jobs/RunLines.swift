package import CogBase
import Glibc

/// What the parts of a run say of its items.
package struct RunLines: Sendable {
  /// Of each item the line that counts.
  package private(set) var best: [String: RunRecord] = [:]
  /// How many lines each item has.
  package private(set) var attempts: [String: Int] = [:]
  /// The keys of items with replies that differ.
  package private(set) var conflicts: Set<String> = []
  /// Lines that are none, as `FILE, line N`, without the torn last ones.
  package private(set) var damaged: [String] = []
  /// The files that were read.
  package private(set) var files: [String] = []

  /// Reads the parts of a folder; other processes may append to them meanwhile.
  ///
  /// - Throws: `CogError` when one cannot be read, or has lines of another run; what the cancellation throws.
  package init(_ folder: RunFolder, cancellation: any Cancellation = NeverCancelled()) throws {
    try self.init([folder], cancellation: cancellation)
  }

  /// Reads the parts of several folders of one run. - Throws: as ``init(_:cancellation:)-(RunFolder,_)``.
  package init(_ folders: [RunFolder], cancellation: any Cancellation = NeverCancelled()) throws {
    for folder in folders where FileSystem.isThere(folder.partsPath) {
      let names = try FolderListing.visibleNames(in: folder.partsPath).filter {
        $0.hasPrefix("part-") && $0.hasSuffix(".jsonl")
      }
      for name in names.sorted() {
        try cancellation.check()
        try read(folder.partsPath.appendingPath(name), run: folder.header.identity)
      }
    }
  }

  /// Whether an item is finished: it has a reply, or has failed and is not to be tried again.
  func isFinished(_ item: RunItem, retriesFailed: Bool) -> Bool {
    best[item.key].map { $0.status == .ok || !retriesFailed } ?? false
  }

  private mutating func read(_ path: String, run: String) throws {
    files.append(path)
    guard FileSystem.status(of: path)?.isRegular ?? true else {
      throw CogError("the part of the run is no regular file", file: path, advice: "Remove it.")
    }
    try InputLines.ofFile(path) { lines in
      var number = 0
      // The last line may be torn, or be written right now: whether it was the last shows with the next.
      var torn: Int?
      while let line = try lines.next() {
        number += 1
        if let torn { damaged.append("\(path), line \(torn)") }
        torn = nil
        guard let record = RunLine.decode(RunRecord.self, line) else {
          torn = number
          continue
        }
        guard record.run == run else {
          throw CogError(
            "the part has lines of another run", file: path, subject: "line \(number), run", expected: run,
            found: record.run, advice: "Remove it from the folder.")
        }
        add(record)
      }
    }
  }

  private mutating func add(_ record: RunRecord) {
    attempts[record.key, default: 0] += 1
    guard let other = best[record.key] else {
      best[record.key] = record
      return
    }
    if record.status == .ok, other.status == .ok, record.reply != other.reply || record.ids != other.ids {
      conflicts.insert(record.key)
    }
    if record.isBetter(than: other) { best[record.key] = record }
  }
}
