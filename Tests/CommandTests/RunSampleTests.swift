import CogTestSupport
import Foundation
import Testing

/// The run in `Formats/samples`, as it was written when the format was given its version.
@Suite struct RunSampleTests {
  private static let samples = Fixtures.packageFolder.appending(path: "Formats/samples")
  private static let run = samples.appending(path: "run").path
  private static let results = samples.appending(path: "run-results.jsonl").path

  @Test("the sample of a run is merged into its results, and scored")
  func merge() throws {
    let folder = try TemporaryFolder()
    let output = folder.path("results.jsonl")
    let merged = try Command.run(["merge", Self.run, "-o", output, "--json"])
    #expect(merged.status == 3, "\(merged.errors)")
    let document = try merged.json()
    #expect(document["items"] as? Int == 4 && (document["failed"] as? [Any])?.count == 1)
    #expect((document["missing"] as? [Any])?.count == 0)
    #expect(try Data(contentsOf: URL(filePath: output)) == Data(contentsOf: URL(filePath: Self.results)))
    for path in [Self.run, Self.results] {
      let score = try Command.run(["score", path, "--json"])
      #expect(score.status == 3, "\(score.errors)")
      #expect((try score.json()["accuracy"] as? [String: Any])?["overall"] as? Double == 0.5)
    }
  }

  @Test("the second reader makes the same of it", .enabled(if: Python.isThere, "needs python3"))
  func secondReader() throws {
    let outcome = try Python.run([Python.tools + "/read_run.py", Self.run, "--merge"])
    #expect(outcome.status == 3, "\(outcome.errors)")
    #expect(outcome.output == (try String(contentsOfFile: Self.results, encoding: .utf8)))
  }
}
