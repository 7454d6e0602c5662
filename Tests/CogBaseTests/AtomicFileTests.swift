import CogBase
import CogTestSupport
import Foundation
import Testing

@Suite("Small files that appear whole")
struct AtomicFileTests {
  @Test("a file has what was appended, once it is committed; one that is not leaves nothing")
  func commit() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("old".utf8, as: "file")
    do {
      let file = try AtomicFile(path: path)
      try file.write(Array("lost".utf8))
    }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
    let file = try AtomicFile(path: path)
    try file.write(Array("ab".utf8))
    try file.write(Array("c".utf8))
    try file.commit()
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "abc")
    #expect(try folder.contents() == ["file"])
  }

  @Test("a file that comes second leaves the first one as it is, and nothing beside it")
  func second() throws {
    let folder = try TemporaryFolder()
    let files = try (0..<2).map { _ in try AtomicFile(path: folder.path("file")) }
    for (file, text) in zip(files, ["first", "second"]) {
      try file.write(Array(text.utf8))
      try file.commitUnlessThere()
    }
    #expect(try folder.contents() == ["file"])
    #expect(try String(contentsOfFile: folder.path("file"), encoding: .utf8) == "first")
  }

  @Test("what a process of the same number has left behind stays, and hinders nothing")
  func leftBehind() throws {
    let folder = try TemporaryFolder()
    let left = "file.tmp-\(getpid())"
    _ = try folder.write("half".utf8, as: left)
    let file = try AtomicFile(path: folder.path("file"))
    try file.write(Array("whole".utf8))
    try file.commit()
    #expect(try folder.contents() == ["file", left])
    #expect(try String(contentsOfFile: folder.path(left), encoding: .utf8) == "half")
  }
}
