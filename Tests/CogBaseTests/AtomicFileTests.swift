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
}
