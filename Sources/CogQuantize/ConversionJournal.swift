import CogBase
package import CogModel
import Dispatch
import Foundation
import Synchronization

/// What a conversion's journal begins with: everything that decides about the bytes that are written
/// (`Formats/journal.md`).
package struct ConversionIdentity: Codable, Equatable, Sendable {
  /// The version of the journal's format.
  static let currentVersion = 1

  /// A file that is read.
  package struct Source: Codable, Equatable, Sendable {
    let name: String
    let bytes: Int
    /// When it was changed last, in nanoseconds since 1970.
    let modified: Int

    /// A file with its size and its time.
    package init(name: String, bytes: Int, modified: Int) {
      (self.name, self.bytes, self.modified) = (name, bytes, modified)
    }
  }

  var journal = "cogvlm conversion"
  var version = Self.currentVersion
  /// The sink's ``ModelSink/format``.
  let output: String
  let tool: String
  let recipe: ModelMetadata.Recipe
  let keepsNonFinite: Bool
  let allowsOverflow: Bool
  let sources: [Source]

  /// What decides about a conversion's output.
  ///
  /// - Parameters:
  ///   - output: the sink's ``ModelSink/format``.
  ///   - tool: name and version of the program.
  package init(
    output: String, tool: String, recipe: ModelMetadata.Recipe, keepsNonFinite: Bool, allowsOverflow: Bool,
    sources: [Source]
  ) {
    (self.output, self.tool, self.recipe) = (output, tool, recipe)
    (self.keepsNonFinite, self.allowsOverflow, self.sources) = (keepsNonFinite, allowsOverflow, sources)
  }

  /// - Throws: ``CogError`` that says what is not as it was when the part at `path` was begun.
  func requireSame(as new: ConversionIdentity, part path: String, files: [String]) throws {
    func list(_ texts: [String: String]?) -> String {
      (texts ?? [:]).sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: " ")
    }
    func pairs(_ identity: ConversionIdentity) -> [(String, String)] {
      let recipe = identity.recipe
      let overrides = recipe.overrides.map { "\($0.pattern)=\($0.encoding)" }.joined(separator: " ")
      return [
        ("output", identity.output), ("tool", identity.tool), ("recipe: linear", recipe.linear),
        ("recipe: vision", recipe.vision), ("recipe: adapter", recipe.adapter),
        ("recipe: embedding", recipe.embedding), ("recipe: head", recipe.head),
        ("recipe: other", recipe.other),
        ("recipe: exceptions", overrides), ("recipe: method", recipe.method),
        ("recipe: calibration", list(recipe.calibration)), ("recipe: budget", list(recipe.budget)),
        ("--keep-non-finite", "\(identity.keepsNonFinite)"),
        ("--allow-overflow", "\(identity.allowsOverflow)"),
        ("sources", identity.sources.map(\.name).joined(separator: ", ")),
      ]
    }
    for ((what, old), (_, now)) in zip(pairs(self), pairs(new)) where old != now {
      throw CogError(
        "the unfinished work was begun otherwise", file: path, subject: what, expected: "\"\(old)\"",
        found: "\"\(now)\"", advice: "Give it as before. \(Journal.startAnew)")
    }
    for ((old, now), file) in zip(zip(sources, new.sources), files) where old != now {
      throw CogError(
        "the source has changed since the work was begun", file: file,
        subject: old.bytes != now.bytes ? "size" : "time of change",
        expected: "\(old.bytes != now.bytes ? old.bytes : old.modified)",
        found: "\(old.bytes != now.bytes ? now.bytes : now.modified)", advice: Journal.startAnew)
    }
  }
}

/// A finished tensor in a conversion's journal.
struct FinishedTensor: Codable, Equatable {
  let name: String
  let encoding: String
  let file: String
  let offset: Int
  let bytes: Int
  /// ``SourceChecksum`` of the source's bytes, in hexadecimal.
  let source: String
  /// CRC-32 of the bytes that were written, in hexadecimal.
  let crc32: String
  let error: StorageError
  let overflowed: Int
  let vanished: Int
  let nonFinite: Int
  /// What was found about zeros and scales; nil where that is nothing.
  let zeros: ZeroFindings?
  let scales: ScaleLosses?

  init(_ stored: StoredTensor, _ encoded: EncodedTensor, zeros: ZeroFindings) {
    name = stored.slot.name
    encoding = stored.slot.encoding.label
    file = stored.file
    offset = stored.offset
    bytes = stored.slot.byteCount
    source = String(encoded.sourceChecksum.value, radix: 16)
    crc32 = String(stored.checksum, radix: 16)
    error = stored.error
    overflowed = encoded.outcome.overflowed
    vanished = encoded.outcome.vanished
    nonFinite = encoded.outcome.nonFinite
    self.zeros = zeros.isEmpty ? nil : zeros
    scales = encoded.scaleLosses.isEmpty ? nil : encoded.scaleLosses
  }

  /// Offsets, sizes and counts are below this, so that none of their sums overflows.
  private static let limit = 1 << 48

  /// The field whose value no conversion writes, or nil. What is right by itself is compared later: with the
  /// source, and with what lies in the part.
  func impossibleField(in part: Part) -> String? {
    let (numbers, places) = (0..<Self.limit, 0...Int(UInt32.max))
    let fields: [(String, Bool)] = [
      ("file", part.kind == .file ? file.isEmpty : part.holds(file)),
      ("offset", numbers.contains(offset)), ("bytes", numbers.contains(bytes)),
      ("overflowed", numbers.contains(overflowed)), ("vanished", numbers.contains(vanished)),
      ("nonFinite", numbers.contains(nonFinite)),
      ("error.relativeRMS", error.relativeRMS >= 0), ("error.worstGroup", error.worstGroup >= 0),
      ("error.worstRow", places.contains(error.worstRow)),
      ("error.worstGroupIndex", places.contains(error.worstGroupIndex)),
      ("zeros", zeros?.fit(byteCount: Self.limit) ?? true),
      ("scales", scales.map { $0.counts.allSatisfy(numbers.contains) } ?? true),
    ]
    return fields.first { !$0.1 }?.0
  }
}

/// Notes finished tensors once their bytes are durable, on a thread of its own: the work does not wait for
/// the disk.
package final class ConversionJournal: @unchecked Sendable {
  /// Seconds between two times that bytes are made durable.
  static let interval = 0.5
  /// Bytes of a record above which it is not believed: decoded, one takes thirty times its length.
  private static let longestRecord = 1 << 20

  /// What an earlier run has finished, by name; empty when the work begins anew.
  let finished: [String: FinishedTensor]
  /// How many tensors are noted.
  var count: Int { state.withLock { $0.count } }

  private struct State {
    var pending: [FinishedTensor] = []
    var count: Int
    var isScheduled = false
    var isEnded = false
    var failure: (any Error)?
  }

  private let part: Part
  private let journal: Journal
  private let state: Mutex<State>
  private let queue = DispatchQueue(label: "journal", qos: .utility)

  /// Opens the part of `sink`, and its journal.
  ///
  /// - Parameters:
  ///   - identity: what decides about the output.
  ///   - files: the paths of the sources, for errors.
  /// - Throws: ``CogError`` as ``Part/open(resuming:)``; and when what is there was begun otherwise or is
  ///   damaged: it is left as it is then.
  package init(
    sink: any ModelSink, identity: ConversionIdentity, files: [String], resuming: Bool
  ) throws {
    part = sink.part
    let records = try part.open(resuming: resuming)
    guard let journal = part.journal else {
      throw CogError("the journal is not open", file: part.journalPath)
    }
    self.journal = journal
    do {
      finished = try Self.read(records, identity: identity, part: part, files: files)
    } catch {
      part.keep()
      throw error
    }
    state = Mutex(State(count: finished.count))
    if records.isEmpty { try journal.append([Self.text(identity)]) }
  }

  private static func read(
    _ records: [String], identity: ConversionIdentity, part: Part, files: [String]
  ) throws -> [String: FinishedTensor] {
    guard let first = records.first else { return [:] }
    func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
      guard text.utf8.count <= Self.longestRecord,
        let value = try? JSONDecoder().decode(type, from: Data(text.utf8))
      else {
        throw CogError(
          "the journal is not one of a conversion by this version of the tool", code: .unsupported,
          file: part.journalPath, advice: Journal.startAnew)
      }
      return value
    }
    let begun = try decode(ConversionIdentity.self, first)
    guard begun.version == identity.version, begun.journal == identity.journal else {
      throw CogError(
        "the version of the journal is unknown", code: .unsupported, file: part.journalPath,
        expected: "\(identity.version)", found: "\(begun.version)", advice: Journal.startAnew)
    }
    try begun.requireSame(as: identity, part: part.partPath, files: files)
    let entries = try records.dropFirst().map { text in
      let entry = try decode(FinishedTensor.self, text)
      if let field = entry.impossibleField(in: part) {
        throw CogError(
          "the journal has a tensor that cannot be", code: .damaged, file: part.journalPath,
          subject: "\(entry.name), \(field)", advice: Journal.startAnew)
      }
      return entry
    }
    return Dictionary(entries.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
  }

  /// Takes a finished tensor, to be noted soon.
  ///
  /// - Throws: what making earlier ones durable has thrown.
  func note(_ entry: FinishedTensor) throws {
    let schedules = try state.withLock { state in
      if let failure = state.failure { throw failure }
      guard !state.isEnded else { return false }
      state.pending.append(entry)
      defer { state.isScheduled = true }
      return !state.isScheduled
    }
    guard schedules else { return }
    queue.asyncAfter(deadline: .now() + Self.interval) { self.write() }
  }

  /// Notes everything that was taken.
  ///
  /// - Throws: ``CogError`` when the disk is full or fails.
  func flush() throws {
    queue.sync { write() }
    try state.withLock { if let failure = $0.failure { throw failure } }
  }

  /// Notes nothing any more: the journal may be another run's from now on.
  package func end() {
    state.withLock { ($0.isEnded, $0.pending) = (true, []) }
    queue.sync {}
  }

  private func write() {
    let pending = state.withLock { state in
      state.isScheduled = false
      defer { state.pending = [] }
      return state.pending
    }
    guard !pending.isEmpty else { return }
    do {
      try part.synchronize()
      try journal.append(pending.map(Self.text))
      state.withLock { $0.count += pending.count }
    } catch {
      state.withLock { $0.failure = error }
    }
  }

  private static func text(_ record: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(record), as: UTF8.self)
  }
}
