import CogBase
import CogModel
import Foundation

/// What decides about a calibration's file: the first line of its journal (`Formats/journal.md`).
package struct CalibrationIdentity: Codable, Equatable, Sendable {
  var journal = "cogvlm calibration"
  var version = 1
  let tool: String
  let model: CalibrationFields.Model
  let set: CalibrationFields.Set
  let settings: CalibrationFields.Settings

  /// - Throws: `CogError` that says what is not as it was when the part at `path` was begun.
  func requireSame(as new: CalibrationIdentity, part path: String) throws {
    func pairs(_ identity: CalibrationIdentity) -> [(String, String)] {
      let settings = identity.settings
      return [
        ("tool", identity.tool), ("model", "\(identity.model.name) \(identity.model.digest)"),
        ("videos and questions", identity.set.digest), ("--mode", settings.mode),
        ("--template", settings.template), ("--frames", settings.frames),
        ("--tolerate-damage", "\(settings.toleratesDamage)"),
      ]
    }
    for ((what, old), (_, now)) in zip(pairs(self), pairs(new)) where old != now {
      throw CogError(
        "the unfinished work was begun otherwise", file: path, subject: what, expected: "\"\(old)\"",
        found: "\"\(now)\"", advice: "Give it as before. \(Journal.startAnew)")
    }
  }
}

/// A video that is done, in the journal of a calibration.
struct FinishedClip: Codable, Equatable {
  let video: String
  /// Why there are no moments of it; nil where there are.
  let error: String?
  /// Where the calibration of all videos until this one lies in the part, its bytes and their CRC-32 in
  /// hexadecimal. Of no video there is none: 0 bytes.
  let offset: Int
  let bytes: Int
  let crc32: String
}

/// Unfinished work on a calibration: after each video, the calibration of all videos so far.
///
/// Two of them lie in the part, one behind the other, and are written in turn: while one is written the other
/// is whole. The turns are such that the last one lies at the start, where the finished file begins.
final class CalibrationPart {
  /// The videos that are done, in order.
  private(set) var finished: [FinishedClip] = []
  /// What they gave; nil as long as none has given anything.
  private(set) var calibration: Calibration?
  let part: Part
  private let capacity: Int
  private let clips: [CalibrationSet.Clip]

  /// Begins the work, or takes it up.
  ///
  /// - Parameters:
  ///   - capacity: bytes that a calibration may have.
  ///   - inputs: the files that are read.
  /// - Throws: `CogError` as `Part/open(resuming:)`; when the work was begun otherwise or is damaged: it is
  ///   left as it is then.
  init(
    path: String, _ identity: CalibrationIdentity, clips: [CalibrationSet.Clip], capacity: Int,
    besides inputs: [String], resuming: Bool
  ) throws {
    part = Part(path: path, kind: .file, output: Calibration.outputKind)
    self.capacity = capacity
    self.clips = clips
    try part.requirePlace(besides: inputs)
    let records = try part.open(resuming: resuming)
    do {
      try takeUp(records, identity)
      if records.isEmpty { try part.journal?.append([Self.text(identity)]) }
    } catch {
      part.keep()
      throw error
    }
  }

  private func takeUp(_ records: [String], _ identity: CalibrationIdentity) throws {
    guard let first = records.first else { return }
    let begun: CalibrationIdentity = try decode(first)
    guard begun.journal == identity.journal, begun.version == identity.version else { throw notOurs }
    try begun.requireSame(as: identity, part: part.partPath)
    finished = try records.dropFirst().map { try decode($0) }
    guard finished.count <= clips.count, zip(finished, clips).allSatisfy({ $0.video == $1.name.shown })
    else { throw damaged("the journal has another video in its place") }
    guard let last = finished.last, last.bytes > 0 else { return }
    guard last.bytes <= capacity, last.offset == 0 || last.offset == capacity else {
      throw damaged("the journal has a place that cannot be")
    }
    var bytes = [UInt8](repeating: 0, count: last.bytes)
    let file = try part.file()
    try bytes.withUnsafeMutableBytes { try file.read($0, at: last.offset) }
    guard Checksum.crc32(bytes).hexadecimal == last.crc32 else {
      throw damaged("the unfinished calibration is damaged")
    }
    file.adopt(last.offset..<last.offset + last.bytes)
    calibration = try naming(file: part.partPath) {
      try bytes.withUnsafeBytes { try CalibrationReader.calibration($0, file: part.partPath) }
    }
  }

  /// Notes a video, and what all videos until it have given.
  ///
  /// - Throws: `CogError` when the disk is full or fails.
  func finish(_ clip: CalibrationSet.Clip, error: String?, _ calibration: Calibration?) throws {
    let bytes = try calibration?.encoded() ?? []
    precondition(bytes.count <= capacity, "a calibration fits its place")
    let offset = (clips.count - 1 - finished.count).isMultiple(of: 2) ? 0 : capacity
    try bytes.withUnsafeBytes { try part.file().write($0, at: offset) }
    try part.synchronize()
    let record = FinishedClip(
      video: clip.name.shown, error: error, offset: offset, bytes: bytes.count,
      crc32: Checksum.crc32(bytes).hexadecimal)
    try part.journal?.append([Self.text(record)])
    finished.append(record)
    self.calibration = calibration
  }

  /// Gives the file its name, once every video is done.
  ///
  /// - Returns: its bytes.
  /// - Throws: `CogError` when the disk fails; the part stays.
  func commit() throws -> Int {
    let count = finished.last?.bytes ?? 0
    try part.file().cut(to: count)
    try part.commit()
    return count
  }

  // MARK: Journal

  private static let longestRecord = 1 << 20

  private func decode<Value: Decodable>(_ text: String) throws -> Value {
    guard text.utf8.count <= Self.longestRecord,
      let value = try? JSONDecoder().decode(Value.self, from: Data(text.utf8))
    else { throw notOurs }
    return value
  }

  private var notOurs: CogError {
    CogError(
      "the journal is not one of a calibration by this version of the tool", code: .unsupported,
      file: part.journalPath, advice: Journal.startAnew)
  }

  private func damaged(_ problem: String) -> CogError {
    CogError(problem, code: .damaged, file: part.partPath, advice: Journal.startAnew)
  }

  private static func text(_ record: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(record), as: UTF8.self)
  }
}

extension ModelConfiguration {
  /// Bytes that a calibration of the model has at most, with so much text in it.
  func largestCalibration(textBytes: Int) -> Int {
    let inputs = TensorTable(self).specifications.filter(\.role.isInput)
    let bytes = inputs.reduce(0) { sum, input in
      // For each kind: two sums, the count and the largest; in the header each has its name twice.
      sum + 2 * (20 * input.shape.columns + 8 + 4 * (2 * input.name.utf8.count + 256))
    }
    return (bytes + textBytes + (1 << 20) + 4095) / 4096 * 4096
  }
}
