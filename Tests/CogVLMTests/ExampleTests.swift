import CogTestSupport
import Foundation
import Testing

/// The program that the README shows.
@Suite struct ExampleTests {
  private static let file = "Examples/AskAboutAVideo/AskAboutAVideo.swift"

  @Test("The README shows the program as it stands, on about twenty lines")
  func text() throws {
    func page(_ name: String) throws -> String {
      try String(contentsOf: Fixtures.packageFolder.appending(path: name), encoding: .utf8)
    }
    let program = try page(Self.file)
    #expect(try page("README.md").contains("```swift\n\(program)```\n"))
    #expect(program.split(separator: "\n").count <= 25)
  }

  @Test("Bad input ends the program with a line of words")
  func badInput() throws {
    let outcome = try Program.run(
      Program.built("AskAboutAVideo"), ["nowhere", "never.cogvlm", "no.mp4", "What?"])
    #expect(outcome.status == 2 && outcome.output.hasPrefix("error: nowhere: "))
  }

  @Test("The program quantizes the sample model and gives the expected answer")
  func run() throws {
    let folder = try TemporaryFolder()
    let outcome = try Program.run(
      Program.built("AskAboutAVideo"),
      [
        Fixtures.path("sample/checkpoint"), folder.path("sample.cogvlm"),
        Fixtures.path("sample/videos/v22_h264.mp4"), "Which way does the circle move?",
      ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(lines.count == 3)
    #expect(lines.first?.hasSuffix(" bytes") == true && lines.dropFirst().first == "3 frames")
    #expect(lines.last == "up")
    #expect(try folder.contents() == ["sample.cogvlm"])
  }
}
