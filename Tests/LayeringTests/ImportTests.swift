import CogTestSupport
import Foundation
import Testing

/// The direction of imports as the design has it; the build's own check is in `Tools/check`.
@Suite struct ImportTests {
  /// The Swift targets in the order of `Package.swift`, which is that in which data flows.
  static let order: [String] = {
    let manifest = try? String(
      contentsOf: Fixtures.packageFolder.appending(path: "Package.swift"), encoding: .utf8)
    let target = /(?m)^    (?:library|\.executableTarget)\(\s*(?:name: )?"(\w+)"/
    // The example has a folder of its own.
    return (manifest ?? "").matches(of: target).map { String($0.1) }.filter { $0 != "AskAboutAVideo" }
  }()

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
    #expect(folders.sorted() == (Self.order + Self.inC).sorted())
  }

  /// What is in C, and modules of system libraries.
  private static let inC = ["CKernels", "CSignals", "COpenBLAS", "CLibAV", "CZlib"]

  @Test("CONTRIBUTING.md lists the targets in that order")
  func contributing() throws {
    let page = try String(
      contentsOf: Fixtures.packageFolder.appending(path: "CONTRIBUTING.md"), encoding: .utf8)
    let listed = page.matches(of: /(?m)^\| `(\w+)` \|/).map { String($0.1) }
    #expect(listed == ["CKernels", "CSignals"] + Self.order)
  }

  @Test("Nothing is public but what CogVLM promises")
  func publicDeclarations() throws {
    for target in Self.order where target != "CogVLM" {
      for file in try files(of: target) {
        let text = try String(contentsOf: file, encoding: .utf8)
        let found = text.split(separator: "\n").filter {
          $0.contains(#/^\s*(@\w+(\(.*\))? )*(public|open) /#)
        }
        #expect(found == [], "\(file.lastPathComponent)")
      }
    }
    #expect(
      try files(of: "CogVLM").contains { try String(contentsOf: $0, encoding: .utf8).contains("public ") })
  }

  @Test("The text of a path becomes bytes in CogBase's FileSystem alone")
  func paths() throws {
    let calls = [
      "open", "stat", "lstat", "unlink", "rename", "mkdir", "rmdir", "opendir", "access", "readlink",
      "realpath",
      "statvfs",
    ]
    let call = try Regex(
      "(?:^|[^.A-Za-z_])(?:Glibc\\.)?(?:\(calls.joined(separator: "|")))\\([a-zA-Z(.]*[pP]ath\\b")
    for target in Self.order {
      for file in try files(of: target) where file.lastPathComponent != "FileSystem.swift" {
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
          .filter { !$0.contains("///") && !$0.contains("func ") && !$0.contains("try ") }
        for words in ["FileManager", "URL(filePath", "URL(fileURL"] {
          #expect(!lines.contains { $0.contains(words) }, "\(file.lastPathComponent)")
        }
        #expect(lines.filter { $0.contains(call) } == [], "\(file.lastPathComponent)")
      }
    }
  }

  private func files(of target: String) throws -> [URL] {
    let folder = Fixtures.packageFolder.appending(path: "Sources/\(target)")
    return try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
      .compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
  }

  private func imports(of target: String) throws -> [(file: String, module: String)] {
    let files = try files(of: target)
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
