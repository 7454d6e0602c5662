import CogBase
import CogCheckpoint
import CogCompute
import CogModel
import CogNative
import CogQuantize
import CogTestSupport
import Foundation
import Testing

/// Journals whose checksums are right and whose records lie: they are refused, and lead nowhere else.
@Suite("Journals with one field wrong") struct HostileJournalTests {
  private let folder: TemporaryFolder
  private var out: String { folder.path("out") }
  private var journal: String { out + ".part.journal" }
  private let lines: [String]
  private let format: Format

  /// Where the work goes.
  enum Format: CaseIterable { case file, folder }

  private static func sink(_ format: Format, _ path: String) -> any ModelSink {
    switch format {
    case .file: NativeSink(path: path)
    case .folder: SafetensorsSink(path: path, shardSize: 1 << 20)
    }
  }

  /// Work that was stopped.
  private init(_ format: Format) throws {
    self.format = format
    folder = try TemporaryFolder()
    let path = folder.path("out")
    #expect(throws: Conversion.Stopped.self) {
      try Self.convert(format, to: path, cancellation: StopAfter(60))
    }
    let text = try String(contentsOfFile: path + ".part.journal", encoding: .utf8)
    lines = text.split(separator: "\n").map(String.init)
    try #require(lines.count > 3)
  }

  init() throws { try self.init(.file) }

  private static func convert(
    _ format: Format, to path: String, cancellation: any Cancellation = NeverCancelled()
  ) throws {
    var options = Conversion.Options(tool: "test 1")
    options.resumes = true
    try Conversion(
      source: .open(path: Fixtures.path("tiny/checkpoint")), recipe: .init(floats: nil), options: options,
      context: .test(cancellation: cancellation)
    ).run(into: sink(format, path))
  }

  private func record(_ line: Int) throws -> [String: Any] {
    let data = Data(lines[line].dropFirst(9).utf8)
    return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  /// The journal with another record in one line, under right checksums; the attempt to take it up is refused
  /// or ends well, and nothing appears anywhere else.
  private func resume(_ line: Int, as record: [String: Any], _ what: String) throws -> CogError? {
    let text = String(decoding: try JSONSerialization.data(withJSONObject: record), as: UTF8.self)
    let digits = String(Checksum.crc32(Array(text.utf8)), radix: 16)
    var changed = lines
    changed[line] = String(repeating: "0", count: 8 - digits.count) + digits + " " + text
    let content = Data((changed.joined(separator: "\n") + "\n").utf8)
    try content.write(to: URL(filePath: journal))
    let before = try FileManager.default.subpathsOfDirectory(atPath: folder.url.path).sorted()
    do {
      try Self.convert(format, to: out)
      return nil
    } catch let error as CogError {
      #expect(error.file != nil, "\(what)")
      #expect(try Data(contentsOf: URL(filePath: journal)) == content, "\(what)")
      #expect(
        try FileManager.default.subpathsOfDirectory(atPath: folder.url.path).sorted() == before, "\(what)")
      return error
    }
  }

  private func isRefusal(_ error: CogError?) -> Bool {
    error.map { $0.code == .damaged || $0.code == .unsupported } ?? false
  }

  private static let absent = "(absent)"
  /// Values of another type, and numbers that no sum or place bears.
  private static var numbers: [Any] {
    [-1, Int.min, Int.max, Int.max - 4095, 1 << 48, 0.5, 1e300, "1", absent]
  }

  @Test("a field of a finished tensor that cannot be is refused by name", arguments: Format.allCases)
  func tensorFields(_ format: Format) throws {
    let test = try HostileJournalTests(format)
    let original = try test.record(1)
    var wrong: [(String, [Any])] = ["offset", "bytes", "overflowed", "vanished", "nonFinite"].map {
      ($0, Self.numbers)
    }
    wrong += [
      ("offset", [0, 4097]), ("bytes", [0, 1]),
      ("encoding", ["", "int4/64", "F64", "nonsense", 1, Self.absent]),
      ("source", ["", "zz", "0", "-1", "0123456789abcdef0", 1, Self.absent]),
      ("crc32", ["", "zz", "0", "-1", "123456789", 1, Self.absent]),
      (
        "file",
        [
          "../escaped", "/tmp/escaped", "a/b", "..", ".", "new\u{0}name", "other.safetensors", 1, Self.absent,
        ] + (format == .folder ? [""] : ["x"])
      ),
    ]
    for (field, values) in wrong {
      for value in values {
        var record = original
        record[field] = value as? String == Self.absent ? nil : value
        let error = try test.resume(1, as: record, "\(field) = \(value)")
        #expect(isRefusal(error), "\(field) = \(value): \(error?.description ?? "taken")")
      }
    }
  }

  @Test("an error measure that cannot be is refused by name")
  func measures() throws {
    let original = try record(1)
    for field in ["relativeRMS", "worstGroup", "worstRow", "worstGroupIndex"] {
      let isPlace = field.hasSuffix("Row") || field.hasSuffix("Index")
      for value in [-1, -0.5, isPlace ? 1 << 32 : 1e300, isPlace ? Int.max : "1"] as [Any] {
        var record = original
        var measures = try #require(record["error"] as? [String: Any])
        measures[field] = value
        record["error"] = measures
        let error = try resume(1, as: record, "\(field) = \(value)")
        #expect(isRefusal(error), "\(field) = \(value): \(error?.description ?? "taken")")
      }
    }
  }

  @Test("findings about zeros and scales that cannot be are refused by name")
  func findings() throws {
    let original = try record(1)
    func refuse(_ field: String, _ value: [String: Any]) throws {
      var record = original
      record[field] = value
      let error = try resume(1, as: record, "\(field) = \(value)")
      #expect(isRefusal(error), "\(field) = \(value): \(error?.description ?? "taken")")
    }
    let zeros: [String: Any] = [
      "holes": [["start": 0, "end": 4]], "holeCount": 1, "holeBytes": 4, "zeroRows": 0,
    ]
    let scales: [String: Any] = ["capped": 1, "vanished": 0, "firstRow": 0, "firstGroup": 0]
    for number in Self.numbers {
      for (field, value) in [("zeros", zeros), ("scales", scales)] {
        for key in value.keys where key != "holes" {
          var changed = value
          changed[key] = number as? String == Self.absent ? nil : number
          try refuse(field, changed)
        }
      }
      for key in ["start", "end"] {
        var hole: [String: Any] = ["start": 0, "end": 4]
        hole[key] = number as? String == Self.absent ? nil : number
        try refuse("zeros", zeros.merging(["holes": [hole]]) { $1 })
      }
    }
    let bytes = try #require(original["bytes"] as? Int)
    for hole in [[4, 0], [Int.max, Int.max], [0, bytes + 1]].map({ ["start": $0[0], "end": $0[1]] }) {
      try refuse("zeros", zeros.merging(["holes": [hole]]) { $1 })
    }
    try refuse("zeros", zeros.merging(["holeCount": 0]) { $1 })
    let nine = [[String: Int]](repeating: ["start": 0, "end": 4], count: 9)
    try refuse("zeros", zeros.merging(["holes": nine, "holeCount": 9]) { $1 })
  }

  @Test("a first line that lacks a field, or has another value, is refused")
  func firstLine() throws {
    let original = try record(0)
    for field in original.keys.sorted() {
      for value in [Self.absent, 7, -1, "another", [Any](), [String: Any]()] as [Any] {
        var record = original
        record[field] = value as? String == Self.absent ? nil : value
        let error = try resume(0, as: record, "\(field) = \(value)")
        #expect(error != nil, "\(field) = \(value) was taken")
      }
    }
  }

  @Test(
    "a tensor that the model does not have is passed over, and its place written anew beside finished ones")
  func harmless() throws {
    var record = try record(1)
    record["name"] = "no.such.tensor"
    #expect(try resume(1, as: record, "name")?.description == nil)
    let whole = folder.path("whole")
    try Self.convert(.file, to: whole)
    #expect(FileManager.default.contentsEqual(atPath: whole, andPath: out))
  }

  @Test(
    "a journal or a part that is a link, a folder or a pipe is not followed", arguments: ["", ".journal"])
  func places(_ suffix: String) throws {
    let path = out + ".part" + suffix
    let victim = try folder.write(Array("mine".utf8), as: "victim")
    func replaced(_ make: () throws -> Void) throws {
      try? FileManager.default.removeItem(atPath: path)
      try make()
      // Refused, or begun anew in its place: never through it.
      do { try Self.convert(.file, to: out) } catch let error as CogError { #expect(error.file != nil) }
      #expect(try Data(contentsOf: URL(filePath: victim)) == Data("mine".utf8))
      try? FileManager.default.removeItem(atPath: out)
    }
    try replaced { try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: victim) }
    try replaced { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false) }
    try replaced { #expect(mkfifo(path, 0o600) == 0) }
  }
}
