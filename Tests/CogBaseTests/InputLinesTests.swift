import CogBase
import CogTestSupport
import Foundation
import Testing

@Suite struct InputLinesTests {
  private func lines(_ text: String) throws -> [String] {
    let folder = try TemporaryFolder()
    let handle = try FileHandle(forReadingFrom: URL(filePath: folder.write(text.utf8, as: "text")))
    defer { try? handle.close() }
    var input = InputLines(descriptor: handle.fileDescriptor, name: "text")
    var lines: [String] = []
    while let line = try input.next() { lines.append(String(decoding: line, as: UTF8.self)) }
    return lines
  }

  @Test(
    "Lines end at line feeds; the last one needs none", arguments: ["", "\n", "a", "a\n", "a\n\nb", "\r\n"])
  func splits(_ text: String) throws {
    var expected = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    // A carriage return and a line feed are one character of a Swift string.
    if text == "\r\n" { expected = ["\r", ""] }
    if expected.last == "" { expected.removeLast() }
    #expect(try lines(text) == expected)
  }

  @Test("Lines of any length arrive whole, however the stream is cut into pieces")
  func longLines() throws {
    let expected = [0, 1, 65535, 65536, 65537, 200_000, 3].map { String(repeating: "x", count: $0) }
    #expect(try lines(expected.map { $0 + "\n" }.joined()) == expected)
  }

  @Test("A stream that cannot be read is an error that names it")
  func unreadable() {
    var input = InputLines(descriptor: -1, name: "standard input")
    let error = #expect(throws: CogError.self) { _ = try input.next() }
    #expect(error?.file == "standard input")
  }
}
