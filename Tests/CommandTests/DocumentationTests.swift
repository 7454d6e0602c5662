import CogTestSupport
import Foundation
import Testing

/// The commands as the binary describes them, and the pages that describe them to people.
enum Documentation {
  struct Command {
    let name: String
    let abstract: String
    /// `--long` or `-s`, as they are typed; of positional arguments `<name>`.
    let arguments: [String]
  }

  /// What `--help` shows, read from the binary.
  static func commands() throws -> [Command] {
    let dump = try CommandTests.Command.run(["--experimental-dump-help"]).json()
    let root = try #require(dump["command"] as? [String: Any])
    return try #require(root["subcommands"] as? [[String: Any]]).filter(isShown).compactMap { command in
      guard let name = command["commandName"] as? String, name != "help" else { return nil }
      let arguments = (command["arguments"] as? [[String: Any]] ?? []).filter(isShown).flatMap(spellings)
      return Command(name: name, abstract: command["abstract"] as? String ?? "", arguments: arguments)
    }
  }

  static func commandNames() throws -> [String] { try commands().map(\.name) }

  private static func isShown(_ item: [String: Any]) -> Bool { item["shouldDisplay"] as? Bool ?? true }

  private static func spellings(_ argument: [String: Any]) -> [String] {
    guard argument["kind"] as? String != "positional" else {
      return ["<\(argument["valueName"] as? String ?? "")>"]
    }
    let names = (argument["names"] as? [[String: Any]] ?? []).compactMap { name -> String? in
      guard let text = name["name"] as? String else { return nil }
      return name["kind"] as? String == "short" ? "-\(text)" : "--\(text)"
    }
    // Every command has these two; the page says so once.
    return names.filter { !["--help", "-h", "--version"].contains($0) }
  }

  static func page(_ name: String) throws -> String {
    try String(contentsOf: Fixtures.packageFolder.appending(path: name), encoding: .utf8)
  }

  /// The sections of `Formats/commands.md` by command: each begins with `## cogvlm NAME`.
  static func sections() throws -> [String: String] {
    let parts = try page("Formats/commands.md").components(separatedBy: "\n## cogvlm ").dropFirst()
    return Dictionary(
      parts.map { part in
        let name = part.prefix { $0 != "\n" }
        return (String(name), part.components(separatedBy: "\n## ")[0])
      }, uniquingKeysWith: { first, _ in first })
  }
}

@Suite struct DocumentationTests {
  @Test("README.md lists every command in its table, and no other")
  func readme() throws {
    let rows = try Documentation.page("README.md").split(separator: "\n").filter {
      $0.hasPrefix("| `cogvlm ")
    }
    let listed = rows.compactMap { $0.split(separator: " ").dropFirst(2).first }.map {
      $0.trimmingCharacters(in: ["`"])
    }
    #expect(listed.sorted() == (try Documentation.commandNames().sorted()))
  }

  @Test("Formats/commands.md has a section for every command, and no other")
  func sections() throws {
    #expect(try Documentation.sections().keys.sorted() == Documentation.commandNames().sorted())
  }

  @Test("Every argument and option that --help shows has a row in its command's section, and no other has")
  func options() throws {
    let sections = try Documentation.sections()
    for command in try Documentation.commands() {
      let section = try #require(sections[command.name])
      // A row's first cell: `--output`, `-o` or `<source>` in backquotes.
      let rows = section.split(separator: "\n").filter { $0.hasPrefix("| `-") || $0.hasPrefix("| `<") }
      let documented = rows.flatMap { row in
        row.split(separator: "|")[0].split(separator: ",").map {
          $0.trimmingCharacters(in: .whitespaces).trimmingCharacters(in: ["`"])
        }.map { $0.hasPrefix("<") ? $0 : String($0.prefix { $0 != " " }) }
      }
      #expect(documented.sorted() == command.arguments.sorted(), "cogvlm \(command.name)")
    }
  }

  @Test("The keys of every JSON document are those that the page lists")
  func keys() throws {
    let folder = try TemporaryFolder()
    let model = try SampleModel.float.get()
    let source = Fixtures.path("sample/checkpoint")
    let video = SampleModel.video("v22_h264.mp4")
    let questions = try folder.write(
      #"[{"video":"v22_h264.mp4","task":"t","question":"What color is the circle?","answer":"x"}]"#.utf8,
      as: "questions.json")
    let run = folder.path("run")
    try Command.run([
      "eval", model, "--questions", questions, "--videos", Fixtures.path("sample/videos"), "--run", run,
      "--max-new-tokens", "1",
    ])
    let calls: KeyValuePairs = [
      "inspect": [source, "--check"], "convert": [source, "-o", folder.path("c.cogvlm")],
      "quantize": [source, "-o", folder.path("q.cogvlm")],
      "calibrate": [
        model, "--questions", questions, "--videos", Fixtures.path("sample/videos"), "-o",
        folder.path("c.cogcal"),
      ],
      "stats": [Fixtures.packageFolder.appending(path: "Formats/samples/calibration/good.cogcal").path],
      "frames": [video, "-o", folder.path("frames")],
      "stats": [source, "--layers", "0"],
      "diff": [try SampleModel.int4.get(), source, "--fail-over", "1"],
      "ask": [model, "--video", video, "What color is the circle?"],
      "ask": [model, "--video", video, "--segments", "--merge", "What color is the circle?"],
      "verify": [
        model, "--reference", Fixtures.path("sample/references/v22_h264-direction.bf16.safetensors"),
      ],
      "verify": [try SampleModel.int4.get(), "--against", model, "--video", video, "--ask", "What?"],
      "eval": [model, "--questions", questions, "--videos", Fixtures.path("sample/videos")],
      "merge": [run, "-o", folder.path("results.jsonl")],
      "score": [run],
      "caption": [model, video, "--run", folder.path("captions"), "--max-new-tokens", "1"],
      "merge": [
        folder.path("captions"), "--export", "csv", "-o", folder.path("export"), "--videos",
        Fixtures.path("sample/videos"),
      ],
      "bench": [model, "--prompt-tokens", "4", "--new-tokens", "1", "--frames", "1", "--runs", "1"],
    ]
    for (command, arguments) in calls {
      let section = try #require(Documentation.sections()[command])
      let listed = Set(
        section.split(separator: "\n").filter { $0.hasPrefix("JSON: ") || $0.hasPrefix("- `") }.joined()
          .split(separator: "`", omittingEmptySubsequences: false).enumerated()
          .filter { !$0.offset.isMultiple(of: 2) }.map { String($0.element) })
      let document = try Command.run([command, "--json"] + arguments).json()
      let keys = Self.keys(of: document)
      #expect(keys.subtracting(listed) == [], "cogvlm \(command) has keys that are not listed")
      #expect(Set(document.keys).isSubset(of: listed))
    }
  }

  /// Every key of a document and the objects in it; what is keyed by data (metadata, tasks, encodings)
  /// excepted.
  private static func keys(of value: Any) -> Set<String> {
    if let list = value as? [Any] { return list.reduce(into: []) { $0.formUnion(keys(of: $1)) } }
    guard let object = value as? [String: Any] else { return [] }
    return object.reduce(into: Set(object.keys)) { result, member in
      if !["metadata", "byTask", "encodings"].contains(member.key) {
        result.formUnion(keys(of: member.value))
      }
    }
  }

  @Test("The tolerances that verify applies are those of Formats/references.md")
  func tolerances() throws {
    let bundle = Fixtures.path("sample/references/v22_h264-direction.f32.safetensors")
    let rounded = Fixtures.path("sample/references/v22_h264-direction.bf16.safetensors")
    let rows = try Documentation.page("Formats/references.md").split(separator: "\n")
    for (profile, model, options) in [
      ("float32", SampleModel.float, [bundle, "--mode", "float32"]),
      ("bfloat16", SampleModel.float, [rounded, "--mode", "bfloat16"]),
      ("mixed", SampleModel.float, [bundle, "--mode", "bfloat16"]),
      ("int8", SampleModel.int8, [bundle, "--mode", "fast"]),
      ("int4", SampleModel.int4, [bundle, "--mode", "fast"]),
      ("exact", SampleModel.float, [bundle, "--profile", "exact"]),
    ] {
      let document = try Command.run(["verify", model.get(), "--json", "--reference"] + options).json()
      let reference = try #require((document["references"] as? [[String: Any]])?.first)
      let applied = try #require(reference["tolerance"] as? [String: Any])
      #expect(applied["profile"] as? String == profile)
      let row = try #require(rows.first { $0.hasPrefix("| \(profile) |") })
      let limits = row.split(separator: "|").compactMap { Double($0.trimmingCharacters(in: .whitespaces)) }
      #expect(limits == ["isolated", "isolatedVision", "accumulated"].map { applied[$0] as? Double })
    }
  }

  @Test("The pages name only files of the repository that are there")
  func links() throws {
    let pages = ["README.md", "GUIDE.md", "BENCHMARKS.md", "CONTRIBUTING.md", "Formats/commands.md"]
    for page in pages {
      let text = try Documentation.page(page)
      let words = text.split(separator: "`", omittingEmptySubsequences: false)
        .enumerated().filter { !$0.offset.isMultiple(of: 2) }.map(\.element)
        .filter { $0.wholeMatch(of: /(Sources|Tests|Tools|Formats)\/[A-Za-z0-9_.\/-]+/) != nil }
      let links = text.matches(of: /\]\(([A-Za-z0-9_.\/-]+)\)|src="([^"]+)"/).compactMap { $0.1 ?? $0.2 }
      for name in words + links {
        let path = Fixtures.packageFolder.appending(path: String(name)).path
        #expect(FileManager.default.fileExists(atPath: path), "\(page) names \(name)")
      }
    }
  }
}
