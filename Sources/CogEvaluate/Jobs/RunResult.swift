package import CogBase
package import CogMedia
import Glibc

/// What became of an item, without what differs from run to run: a line of merged results
/// (`Formats/run.md`).
package struct RunResult: Equatable, Sendable, Codable {
  /// What was asked.
  package let item: RunItem
  /// Whether the model answered.
  package let status: EvaluatedAnswer.Status
  /// What it said; nil where it failed.
  package let reply: String?
  /// The token ids of the reply.
  package let ids: [Int]
  /// The start times of the frames that the model was shown, in seconds.
  package let frames: [Double]
  /// Those of them that are damaged; nil where there are none.
  package let damagedFrames: [VideoFrame]?
  /// Why there is no reply; nil where there is one.
  package let error: String?

  /// What a line of a part says of an item.
  package init(_ item: RunItem, _ record: RunRecord) {
    (self.item, status, reply, ids) = (item, record.status, record.reply, record.ids)
    (frames, damagedFrames, error) = (record.frames, record.damagedFrames, record.error)
  }

  private enum CodingKeys: String, CodingKey {
    case status, reply, ids, frames, damagedFrames, error
  }

  /// Reads a line of merged results.
  package init(from decoder: any Decoder) throws {
    item = try RunItem(from: decoder)
    let container = try decoder.container(keyedBy: CodingKeys.self)
    status = try container.decode(EvaluatedAnswer.Status.self, forKey: .status)
    reply = try container.decodeIfPresent(String.self, forKey: .reply)
    ids = try container.decode([Int].self, forKey: .ids)
    frames = try container.decode([Double].self, forKey: .frames)
    damagedFrames = try container.decodeIfPresent([VideoFrame].self, forKey: .damagedFrames)
    error = try container.decodeIfPresent(String.self, forKey: .error)
    guard (status == .ok) == (reply != nil) else {
      throw DecodingError.dataCorruptedError(
        forKey: .reply, in: container, debugDescription: "a reply is there where the item is ok")
    }
  }

  /// Writes a line of merged results: the keys of the item, and `reply` as null where there is none.
  package func encode(to encoder: any Encoder) throws {
    try item.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(status, forKey: .status)
    try container.encode(reply, forKey: .reply)
    try container.encode(ids, forKey: .ids)
    try container.encode(frames, forKey: .frames)
    try container.encodeIfPresent(damagedFrames, forKey: .damagedFrames)
    try container.encodeIfPresent(error, forKey: .error)
  }
}

/// What is known of a run, read from its folder or from its merged results.
package struct RunResults: Sendable {
  /// The folder or file.
  package let path: String
  /// What was finished, in the order of the list.
  package let results: [RunResult]
  /// How many items of the list were not; nil where merged results do not tell.
  package let missing: Int?
  /// Lines of parts that are none.
  package let damaged: [String]
  /// The files that were read.
  package let files: [String]
  /// The rule by which frames were chosen; nil where merged results don't tell.
  package let frames: String?

  /// Reads a run.
  ///
  /// - Throws: `CogError` when there is none, or it cannot be read, or is empty; what `cancellation` throws.
  package init(path: String, cancellation: any Cancellation = NeverCancelled()) throws {
    self.path = path
    if let status = FileSystem.status(of: path), status.isRegular {
      let lines = try Self.lines(of: path, cancellation)
      (results, damaged, files) = (lines.map(\.result), [], [path])
      // Lines of several runs, or of a version that did not write it, tell nothing of all.
      let run = lines.first?.run.flatMap { run in lines.allSatisfy { $0.run == run } ? run : nil }
      (missing, frames) = (run.map { max(0, $0.items - lines.count) }, run?.frames)
    } else {
      let merged = try MergedRun([path], cancellation: cancellation)
      results = merged.results
      (missing, damaged, files) = (merged.missing.count, merged.lines.damaged, merged.files)
      frames = merged.folders.first?.header.frames
    }
    guard !results.isEmpty else {
      throw CogError(
        "the run has no results yet", file: path, expected: "at least one finished item",
        found: missing.map { "\($0) that are missing" })
    }
  }

  private static func lines(of path: String, _ cancellation: any Cancellation) throws -> [MergedLine] {
    try InputLines.ofFile(path) { lines in
      var (merged, keys): ([MergedLine], Set<String>) = ([], [])
      while let bytes = try lines.next() {
        try cancellation.check()
        let number = merged.count + 1
        guard let line = RunLine.decode(MergedLine.self, bytes) else {
          throw CogError(
            "the line is no result of a run", code: .damaged, file: path, subject: "line \(number)",
            expected: "a line that cogvlm merge has written", advice: "Give the folder of a run, or merge it."
          )
        }
        guard keys.insert(line.result.item.key).inserted else {
          throw CogError(
            "an item has two results", code: .damaged, file: path, subject: "line \(number)",
            expected: "each key once", found: line.result.item.key)
        }
        merged.append(line)
      }
      return merged
    }
  }
}
