import CogBase
import CogTestSupport
import Foundation
import Testing

@Suite("Paths are bytes")
struct PathTests {
  /// A text of scalars that a literal cannot have.
  private func text(_ values: UInt32...) -> String {
    String(String.UnicodeScalarView(values.compactMap(Unicode.Scalar.init)))
  }

  @Test("every path has one text, and every text is that path again (report 10)")
  func roundTrip() {
    var generator = SystemRandomNumberGenerator()
    let pieces: [[UInt8]] = [
      Array("a/é.mp4".utf8), [0xE9], [0xFF, 0xFE], [0xC3], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
      Array(text(0xFDD8, 0xFDE0).utf8), Array(text(0xFDDF).utf8), Array(text(0xFDE5).utf8), [0x80],
      [0xC0, 0xAF],
      Array("e\u{301}".utf8), [0xEF, 0xB7], Array("😀".utf8), [0xF0, 0x9F],
    ]
    for _ in 0..<5000 {
      let bytes = (0..<Int.random(in: 0...6, using: &generator)).flatMap { _ in
        pieces.randomElement(using: &generator) ?? []
      }
      let text = String(pathBytes: bytes)
      #expect(text.pathBytes == bytes)
      #expect(Array(String(decoding: text.utf8, as: UTF8.self).pathBytes) == bytes)
      #expect(String(validating: text.shown.utf8, as: UTF8.self) != nil)
    }
    for byte in UInt8.min...UInt8.max {
      let text = String(pathBytes: [byte])
      #expect(text.pathBytes == [byte])
      #expect(text.isEscaped == (byte >= 0x80))
    }
  }

  @Test("people see the bytes, and other text stays as it is")
  func shown() {
    let name = String(pathBytes: Array("caf".utf8) + [0xE9] + Array(".mp4".utf8))
    #expect(name.shown == #"caf\xE9.mp4"# && name.shownInJSON == #"caf\\xE9.mp4"#)
    #expect(name.printable == #"caf\xE9.mp4"#)
    for text in ["", "café", "ｆｕｌｌ", text(0xFDD8), text(0xFDE0, 0xFDD8), text(0x10FFFF)] {
      #expect(text.shown == text && text.pathBytes == Array(text.utf8) && !text.isEscaped)
    }
  }

  @Test("folders and names are cut at the byte of the slash, whatever stands behind it")
  func parts() {
    for (path, folder, name) in [
      ("a/b", "a/", "b"), ("b", "./", "b"), ("/b", "/", "b"), ("a/", "a/", "a"), ("/", "/", ""),
      ("a/\u{301}b", "a/", "\u{301}b"),
    ] { #expect(path.folderOfPath == folder && path.lastPathName == name, "\(path)") }
    #expect("a/b".besidePath("c") == "a/c" && "b".besidePath("c") == "c")
    #expect("a".appendingPath("b") == "a/b" && "a/".appendingPath("b") == "a/b")
    #expect("/a".isAbsolutePath && !"a".isAbsolutePath && !"".isAbsolutePath)
  }

  @Test("a file of any name is listed, opened and removed; a name with a zero byte is none")
  func system() throws {
    let folder = try TemporaryFolder()
    let path = folder.url.path.appendingPath(String(pathBytes: [0x61, 0xE9, 0x2E, 0x62]))
    let file = try AtomicFile(path: path)
    try file.write(Array("abc".utf8))
    try file.commit()
    #expect(try FolderListing.names(in: folder.url.path).map(\.pathBytes) == [[0x61, 0xE9, 0x2E, 0x62]])
    #expect(try MappedFile.withBytes(ofFile: path) { Array($0) } == Array("abc".utf8))
    #expect(FileSystem.remove(path) == 0 && !FileSystem.isThere(path))
    let plain = try folder.write("abc".utf8, as: "x.mp4")
    let error = #expect(throws: CogError.self) { try MappedFile(path: plain + "\0.png") }
    #expect((error?.cause as? SystemError)?.number == EINVAL)
  }

  @Test("hidden names are no inputs: dots in front, macOS's companions too (report 11)")
  func hidden() throws {
    let folder = try TemporaryFolder()
    for name in ["a.png", "._a.png", ".hidden", "b"] { _ = try folder.write([], as: name) }
    #expect(try FolderListing.visibleNames(in: folder.url.path).sorted() == ["a.png", "b"])
  }
}
