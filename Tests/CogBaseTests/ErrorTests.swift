import CogBase
import CogTestSupport
import Foundation
import Testing

@Suite struct ErrorTests {
  @Test("An error is one line of the parts that are known")
  func description() {
    let error = CogError(
      "the field is wrong", file: "config.json", subject: "vocab_size", expected: "a number",
      found: "a string",
      advice: "Download it again.")
    #expect(
      error.description
        == "config.json: vocab_size: the field is wrong: "
        + "expected a number, found a string. Download it again."
    )
    #expect(CogError("no").description == "no")
    #expect(CogError("no", found: "7").description == "no: found 7")
    #expect(CogError("no", subject: "a\nb\u{202E}").description == "a\\u{a}b\\u{202e}: no")
  }

  @Test("The file is named once, by the innermost place that knows it")
  func files() {
    let error = #expect(throws: CogError.self) {
      try naming(file: "outer") { try naming(file: "inner") { throw CogError("no") } }
    }
    #expect(error?.file == "inner")
  }

  @Test("Errors are equal by code and words, whatever led to them")
  func equality() {
    #expect(CogError("no", cause: SystemError(number: 2)) == CogError("no"))
    #expect(CogError("no", code: .damaged) != CogError("no"))
    #expect(CogError("no") != CogError("yes"))
  }

  @Test(
    "A failed system call has its kind and its errno",
    arguments: [
      (ENOENT, CogError.Code.notFound), (ENOSPC, .diskFull), (EWOULDBLOCK, .busy), (EACCES, .system),
    ])
  func systemCalls(number: Int32, code: CogError.Code) {
    let error = CogError.system("cannot open", file: "x", code: number)
    #expect(error.code == code)
    #expect((error.cause as? SystemError)?.number == number)
    #expect(error.description == "x: cannot open: \(SystemError(number: number))")
  }

  @Test("Files that cannot be mapped are refused with their reason")
  func unmappable() throws {
    let folder = try TemporaryFolder()
    let cases: [(String, CogError.Code, String)] = [
      (folder.path("none"), .notFound, "cannot open"), (folder.url.path, .invalid, "not a regular file"),
      (try folder.write([], as: "empty"), .invalid, "the file is empty"),
      ("/dev/null", .invalid, "not a regular"),
    ]
    for (path, _, problem) in cases {
      let error = #expect(throws: CogError.self) { _ = try MappedFile(path: path) }
      #expect(error?.file == path && error?.problem.contains(problem) == true)
    }
    let path = try folder.write([1, 2, 3], as: "three")
    #expect(try MappedFile.withBytes(ofFile: path) { Array($0) } == [1, 2, 3])
  }
}
