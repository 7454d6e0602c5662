import CogTestSupport
import Foundation
import Testing

/// The direction of imports as the design has it; the build's own check is in `Tools/check`.
@Suite struct ImportTests {
  /// Targets in the order in which data flows.
  static let order = [
    "CogBase", "CogModel", "CogCheckpoint", "CogNative", "CogCompute", "CogMedia", "CogText", "CogQuantize",
    "CogInspect", "CogEngine", "CogVerify", "CogEvaluate", "CogReport", "CogBench", "cogvlm",
  ]

  @Test("Every target imports only targets above it", arguments: order.indices)
  func direction(_ place: Int) throws {
    let below = Set(Self.order[place...])
    for (file, module) in try imports(of: Self.order[place]) {
      #expect(!below.contains(module), "\(file) imports \(module)")
    }
  }

  @Test("The engine runs native files only: it does not import the checkpoint readers")
  func engine() throws {
    let modules = Set(try imports(of: "CogEngine").map(\.module))
    #expect(!modules.isEmpty)
    #expect(!modules.contains("CogCheckpoint"))
  }

  @Test("Every folder of Sources is in the order")
  func complete() throws {
    let folders = try FileManager.default.contentsOfDirectory(
      atPath: Fixtures.packageFolder.appending(path: "Sources").path)
    let known = Set(Self.order + ["CKernels", "COpenBLAS", "CLibAV", "CZlib"])
    #expect(folders.filter { !known.contains($0) } == [])
  }

  private func imports(of target: String) throws -> [(file: String, module: String)] {
    let folder = Fixtures.packageFolder.appending(path: "Sources/\(target)")
    let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
      .compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
    #expect(!files.isEmpty)
    return try files.flatMap { file in
      try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
        let words = line.split(separator: " ")
        guard let place = words.firstIndex(of: "import"), place <= 1, place + 1 < words.count else {
          return nil
        }
        return (file.lastPathComponent, String(words[place + 1]))
      }
    }
  }
}
