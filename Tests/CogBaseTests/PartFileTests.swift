import CogBase
import CogTestSupport
import Foundation
import Glibc
import Testing

@Suite("Unfinished work")
struct PartFileTests {
  private let folder: TemporaryFolder
  private var out: String { folder.path("out") }

  init() throws { folder = try TemporaryFolder() }

  private func write(_ text: String, to part: Part, _ name: String = "", at offset: Int = 0) throws {
    let file = try part.file(name)
    try Array(text.utf8).withUnsafeBytes { try file.write($0, at: offset) }
  }

  private func content(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: folder.url.appending(path: name)), as: UTF8.self)
  }

  @Test(
    "a file written in pieces in any order has their bytes, zeros between them, and ends with the last one")
  func pieces() throws {
    let window = 1 << 21
    // Pieces that fill a huge page, parts of one, parts of two or of three, and nothing.
    let ranges = [
      3 * window..<4 * window, 100..<200, window - 1..<window + 1, 2 * window - 5..<2 * window + 7,
      4 * window + 5..<6 * window + 9, 6 * window + 9..<7 * window, 7 * window + 3..<7 * window + 4,
      200..<200,
    ]
    var expected = [UInt8](repeating: 0, count: 7 * window + 4)
    for (number, range) in ranges.enumerated() {
      for index in range { expected[index] = UInt8(truncatingIfNeeded: index &* 31 &+ number) | 1 }
    }
    for first in ranges.indices {
      let part = Part(path: out, kind: .file)
      let file = try part.file()
      for range in ranges[first...] + ranges[..<first].reversed() {
        try expected[range].withUnsafeBytes { try file.write($0, at: range.lowerBound) }
      }
      try part.commit()
      #expect(try Data(contentsOf: URL(filePath: out)) == Data(expected))
      #expect(try folder.contents() == ["out"])
    }
  }

  @Test("a large file has its bytes however far the disk is, and leaves memory where the system can let go")
  func largeFile() throws {
    let piece = 3 << 20
    let count = 60
    let bytes = [UInt8]((0..<piece).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) })
    let part = Part(path: out, kind: .file)
    let file = try part.file()
    // The second half first: what is behind the disk lies in more than one place.
    for index in Array(count / 2..<count) + Array(0..<count / 2) {
      try bytes.withUnsafeBytes { try file.write($0, at: index * piece) }
    }
    try part.commit()
    let resident = try ResidentPages.share(ofFile: out)
    if try ResidentPages.canLetGo(in: folder) { #expect(resident < 0.05) }
    let written = try Data(contentsOf: URL(filePath: out))
    #expect(written.count == count * piece)
    for index in 0..<count {
      #expect(written[index * piece..<(index + 1) * piece].elementsEqual(bytes), "piece \(index)")
    }
  }

  @Test("work that is kept is taken up with its bytes and records, or begun anew", arguments: [true, false])
  func resuming(resumes: Bool) throws {
    let first = Part(path: out, kind: .file)
    #expect(try first.open(resuming: true) == [])
    try write("abc", to: first)
    try first.synchronize()
    try first.journal?.append(["one", "two words"])
    first.keep()
    #expect(try folder.contents().sorted() == ["out.part", "out.part.journal"])
    let second = Part(path: out, kind: .file)
    #expect(try second.open(resuming: resumes) == (resumes ? ["one", "two words"] : []))
    if resumes { try second.file().adopt(0..<3) }
    try write("f", to: second, at: 5)
    try second.commit()
    #expect(try content("out") == (resumes ? "abc\0\0f" : "\0\0\0\0\0f"))
    #expect(try folder.contents() == ["out"])
  }

  @Test("an object that goes away, or abandons its work, leaves nothing")
  func abandoned() throws {
    do {
      let part = Part(path: out, kind: .file)
      try write("abc", to: part)
      #expect(try !folder.contents().isEmpty)
    }
    #expect(try folder.contents().isEmpty)
    let part = Part(path: out, kind: .folder)
    try write("abc", to: part, "a")
    part.abandon()
    #expect(try folder.contents().isEmpty)
  }

  @Test("work that is under way elsewhere is refused as busy, and stays as it is")
  func busy() throws {
    let first = Part(path: out, kind: .file)
    try write("abc", to: first)
    for resumes in [true, false] {
      let error = #expect(throws: CogError.self) { try Part(path: out, kind: .file).open(resuming: resumes) }
      #expect(error?.code == .busy && error?.file == out)
    }
    try first.commit()
    #expect(try content("out") == "abc")
  }

  @Test("a torn end of a journal is dropped, damage before it is refused")
  func tornJournal() throws {
    let part = Part(path: out, kind: .file)
    try write("abc", to: part)
    try part.journal?.append(["one", "two", "three"])
    part.keep()
    let whole = try content("out.part.journal")
    let lines = whole.split(separator: "\n", omittingEmptySubsequences: false).map { $0 + "\n" }
    #expect(lines.count == 4)
    func records(of text: String) throws -> [String] {
      try Data(text.utf8).write(to: folder.url.appending(path: "out.part.journal"))
      let part = Part(path: out, kind: .file)
      defer { part.keep() }
      return try part.open(resuming: true)
    }
    for count in 0..<lines[2].utf8.count {
      #expect(try records(of: String(lines[0] + lines[1] + lines[2].prefix(count))) == ["one", "two"])
    }
    #expect(try records(of: lines[0] + lines[1] + "00000000 three\n") == ["one", "two"])
    // Records go on where the torn one was.
    let torn = Part(path: out, kind: .file)
    try torn.open(resuming: true)
    try torn.journal?.append(["four"])
    torn.keep()
    #expect(try records(of: content("out.part.journal")) == ["one", "two", "four"])
    let error = #expect(throws: CogError.self) { try records(of: "00000000 one\n" + lines[1] + lines[2]) }
    #expect(error?.code == .damaged && error?.file == out + ".part.journal" && error?.subject == "line 1")
    #expect(try records(of: whole) == ["one", "two", "three"])
  }

  @Test("a folder appears whole; one that is not empty, or was made by somebody else, is not touched")
  func folders() throws {
    try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: false)
    let part = Part(path: out + "/", kind: .folder)
    try write("abc", to: part, "a")
    try write("de", to: part, "b")
    #expect(try FileManager.default.contentsOfDirectory(atPath: out).isEmpty)
    try part.commit()
    #expect(try content("out/a") == "abc" && content("out/b") == "de")
    #expect(try folder.contents() == ["out"])
    let full = #expect(throws: CogError.self) { try Part(path: out, kind: .folder).open(resuming: false) }
    #expect(full?.file == out && full?.found == "a, b")

    let strange = folder.path("new.part")
    try FileManager.default.createDirectory(atPath: strange, withIntermediateDirectories: false)
    try Data().write(to: URL(filePath: strange + "/mine"))
    let error = #expect(throws: CogError.self) {
      try Part(path: folder.path("new"), kind: .folder).open(resuming: false)
    }
    #expect(error?.file == strange)
    #expect(try folder.contents().sorted() == ["new.part", "out"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: strange) == ["mine"])
  }

  @Test("what came into the folder of the work does not get its name, and is kept with the work")
  func foreignInFolder() throws {
    let strangers: [(String, (String) throws -> Void)] = [
      ("code.py", { try Data("mine".utf8).write(to: URL(filePath: $0)) }),
      (
        "link", { try FileManager.default.createSymbolicLink(atPath: $0, withDestinationPath: "/etc/passwd") }
      ),
      ("sub", { try FileManager.default.createDirectory(atPath: $0, withIntermediateDirectories: false) }),
    ]
    for (name, make) in strangers {
      let first = Part(path: out, kind: .folder)
      try write("abc", to: first, "a")
      try first.journal?.append(["one"])
      try make(out + ".part/" + name)
      let error = #expect(throws: CogError.self) { try first.commit() }
      #expect(error?.file == out + ".part/" + name && error?.advice?.contains("--resume") == true)
      first.abandon()
      #expect(try folder.contents() == ["out.part", "out.part.journal"])
      #expect(try FileManager.default.contentsOfDirectory(atPath: out + ".part").sorted() == ["a", name])

      try FileManager.default.removeItem(atPath: out + ".part/" + name)
      let second = Part(path: out, kind: .folder)
      #expect(try second.open(resuming: true) == ["one"])
      try second.file("a").adopt(0..<3)
      try second.commit()
      #expect(try content("out/a") == "abc" && folder.contents() == ["out"])
      try FileManager.default.removeItem(atPath: out)
    }
  }

  @Test(
    "a file that only has the name of a journal or a part is refused, and stays", arguments: [true, false])
  func foreignNames(resumes: Bool) throws {
    let journals = ["deadbeef notes\n", "0123abcd ", "00000000 {}\n", "0", "\n"].map { ($0, "") }
    for (journal, part) in journals + [("", "mine")] {
      for kind in [Part.Kind.file, .folder] {
        _ = try folder.write(journal.utf8, as: "out.part.journal")
        if !part.isEmpty { _ = try folder.write(part.utf8, as: "out.part") }
        let before = try folder.contents()
        let error = #expect(throws: CogError.self) {
          try Part(path: out, kind: kind).open(resuming: resumes)
        }
        #expect(error?.file?.hasPrefix(out + ".part") == true && error?.advice != nil, "\(journal)")
        #expect(try folder.contents() == before && content("out.part.journal") == journal)
        if !part.isEmpty { #expect(try content("out.part") == part) }
        for name in before { try FileManager.default.removeItem(atPath: folder.path(name)) }
      }
    }
    // What a run leaves that ended before its first record.
    for part in [nil, ""] {
      _ = try folder.write([], as: "out.part.journal")
      if let part { _ = try folder.write(part.utf8, as: "out.part") }
      let begun = Part(path: out, kind: .file)
      #expect(try begun.open(resuming: resumes) == [])
      begun.abandon()
      #expect(try folder.contents() == [])
    }
  }

  @Test("room for the output counts what an earlier run has left, and nothing of anybody else's")
  func reusable() throws {
    let first = Part(path: out, kind: .file)
    try write(String(repeating: "x", count: 100_000), to: first)
    #expect(Part(path: out, kind: .file).reusableBytes == 0)
    try first.journal?.append(["one"])
    first.keep()
    #expect(Part(path: out, kind: .file).reusableBytes >= 100_000)
  }

  @Test("a folder that is not there is named")
  func noFolder() {
    let path = folder.path("none/out")
    for kind in [Part.Kind.file, .folder] {
      let error = #expect(throws: CogError.self) { try Part(path: path, kind: kind).open(resuming: false) }
      #expect(error?.code == .notFound && error?.file == path)
      #expect(error?.expected?.contains(folder.path("none")) == true && error?.advice != nil)
    }
  }

  @Test("a folder whose name is no UTF-8 has the files that are in it")
  func otherNames() throws {
    let path = String(pathBytes: Array(out.utf8) + [0xE9])
    let part = Part(path: path, kind: .folder)
    try write("abc", to: part, "a")
    #expect(part.holds("a") && !part.holds("b"))
    part.abandon()
  }

  @Test("kept work on a folder is taken up, or replaced")
  func keptFolder() throws {
    for resumes in [true, false] {
      let first = Part(path: out, kind: .folder)
      try write("abc", to: first, "a")
      try first.journal?.append(["one"])
      first.keep()
      let second = Part(path: out, kind: .folder)
      #expect(try second.open(resuming: resumes) == (resumes ? ["one"] : []))
      #expect(try FileManager.default.contentsOfDirectory(atPath: out + ".part") == (resumes ? ["a"] : []))
      second.abandon()
      #expect(try folder.contents().isEmpty)
    }
  }
}

/// What of a file is in memory.
private enum ResidentPages {
  /// The share of a file's pages that the system keeps.
  static func share(ofFile path: String) throws -> Double {
    try MappedFile.withBytes(ofFile: path) { bytes in
      let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))
      var states = [UInt8](repeating: 0, count: (bytes.count - 1) / pageBytes + 1)
      let base = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
      try #require(mincore(base, bytes.count, &states) == 0)
      return Double(states.count { $0 & 1 != 0 }) / Double(states.count)
    }
  }

  /// Whether files of a folder can leave memory at all: those of tmpfs are nowhere else.
  static func canLetGo(in folder: TemporaryFolder) throws -> Bool {
    let path = try folder.write([UInt8](repeating: 1, count: 1 << 16), as: "probe")
    let descriptor = FileSystem.openForReading(path)
    defer { close(descriptor) }
    try #require(fsync(descriptor) == 0 && posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0)
    return try share(ofFile: path) == 0
  }
}
