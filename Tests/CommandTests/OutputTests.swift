import CogTestSupport
import Foundation
import Testing

/// What may be written where: reports 1, 9 and 13d of the list of faults that people reported.
@Suite struct OutputTests {
  private let folder: TemporaryFolder
  private static let checkpoint = Fixtures.path("tiny/checkpoint")

  init() throws { folder = try TemporaryFolder() }

  /// Every command that writes something, without the place.
  private static func writers() throws -> [(command: [String], option: String)] {
    let model = try SampleModel.float.get()
    let bundle = Fixtures.path("sample/references/v22_h264-direction.f32.safetensors")
    return [
      (["convert", checkpoint], "-o"), (["quantize", checkpoint], "-o"),
      (["convert", checkpoint, "--to", "safetensors"], "-o"),
      (["bench", "--preset", "tiny", "--prompt-tokens", "1", "--runs", "1", "--frames", "0"], "--keep"),
      (["frames", SampleModel.video("v22_h264.mp4")], "-o"),
      (["stats", checkpoint], "--html"), (["diff", checkpoint, checkpoint], "--html"),
      (["verify", model, "--reference", bundle], "--html"),
      (["verify", model, "--against", model, "--ask", "What?", "--max-new-tokens", "1"], "--html"),
    ]
  }

  /// The type of what stands at a path, links not followed.
  private func type(_ path: String) -> mode_t {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : 0
  }

  private func expectRefused(_ place: String, as kind: mode_t) throws {
    for (command, option) in try Self.writers() {
      let outcome = try Command.run(command + [option, place])
      #expect(outcome.status == 2 && outcome.output == "", "\(command): \(outcome.errors)")
      #expect(outcome.errors.contains(place), "\(outcome.errors)")
      #expect(type(place) == kind, "\(command)")
    }
  }

  @Test("A pipe, a socket and a link to one are refused by every command, and stay (report 1)")
  func pipes() throws {
    let pipe = folder.path("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    try expectRefused(pipe, as: S_IFIFO)
    let link = folder.path("link")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "pipe")
    try expectRefused(link, as: S_IFLNK)
    #expect(try folder.contents() == ["link", "pipe"])
  }

  @Test(
    "A device is refused by every command, and stays (report 1)",
    .enabled(if: geteuid() == 0, "only root makes devices"))
  func devices() throws {
    for (name, kind, number) in [("null", S_IFCHR, dev_t(0x103)), ("disk", S_IFBLK, dev_t(0x7FF))] {
      let node = folder.path(name)
      try #require(mknod(node, kind | 0o600, number) == 0)
      try expectRefused(node, as: kind)
      // Beside a model lie its part and its journal while it is made.
      for suffix in [".part", ".part.journal"] {
        let beside = folder.path("out" + suffix)
        try #require(mknod(beside, kind | 0o600, number) == 0)
        for resume in [[], ["--resume"]] {
          let outcome = try Command.run(["convert", Self.checkpoint, "-o", folder.path("out")] + resume)
          #expect(outcome.status == 2 && outcome.errors.contains(beside), "\(outcome.errors)")
          #expect(type(beside) == kind)
        }
        try FileManager.default.removeItem(atPath: beside)
      }
    }
  }

  @Test(
    "Standard output takes no model and no folder, under whatever name, and the error says why (report 1)")
  func standardOutput() throws {
    let link = folder.path("link")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/dev/stdout")
    for (command, option) in try Self.writers() where option != "--html" {
      for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", link] {
        let outcome = try Command.run(command + [option, name])
        #expect(outcome.status == 2 && outcome.output == "", "\(command)")
        #expect(outcome.errors.contains("cannot be written to standard output"), "\(outcome.errors)")
        #expect(outcome.errors.contains("appears under its name when it is whole"))
      }
    }
    #expect(try folder.contents() == ["link"])
  }

  @Test("A page takes the place of the text on standard output, and goes with no other document (report 1)")
  func pageOnStandardOutput() throws {
    for (command, option) in try Self.writers() where option == "--html" {
      let page = folder.path("page.html")
      let status = try Command.run(command + ["--html", page]).status
      let printed = try Command.run(command + ["--html", "-"])
      #expect(printed.status == status && printed.errors == "")
      #expect(printed.output.hasPrefix("<!DOCTYPE html>") && printed.output.hasSuffix("</html>\n"))
      // Only what takes time differs.
      if command[0] != "verify" {
        #expect(try String(contentsOfFile: page, encoding: .utf8) == printed.output)
      }
      for options in [["--json"], ["--csv"]] where command[0] != "verify" || options == ["--json"] {
        let wrong = try Command.run(command + ["--html", "-"] + options)
        #expect(wrong.status == 64 && wrong.output == "" && wrong.errors.contains(options[0]))
      }
      #expect(try Command.run(command + ["--html", "/dev/stdout", "--json"]).status == 64)
    }
    let piped = try Command.shell(#"cogvlm stats "$1" --html /dev/stdout | cat"#, [Self.checkpoint])
    #expect(piped.output.hasPrefix("<!DOCTYPE html>") && piped.errors == "")
  }

  @Test("A link is followed: the output lands where it points, and the link stays (report 1)")
  func links() throws {
    let far = folder.path("far")
    try FileManager.default.createDirectory(atPath: far, withIntermediateDirectories: false)
    for (number, (command, option)) in try Self.writers().enumerated() {
      let isFolder = command.contains("safetensors") || command[0] == "frames"
      let (link, target) = (folder.path("link\(number)"), "far/out\(number)")
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
      // Once it points nowhere yet, and once at what the first run made.
      for run in 0..<(command.contains("safetensors") ? 1 : 2) {
        let outcome = try Command.run(command + [option, link])
        #expect(outcome.status == 0, "\(run): \(command): \(outcome.errors)")
        #expect(type(link) == S_IFLNK && type(folder.path(target)) == (isFolder ? S_IFDIR : S_IFREG))
      }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: far).count == Self.writers().count)
    try FileManager.default.createSymbolicLink(atPath: folder.path("circle"), withDestinationPath: "circle")
    try expectRefused(folder.path("circle"), as: S_IFLNK)
  }

  @Test(
    "Whatever is read in a run is not overwritten by it, by its identity and not by its name (report 13d)")
  func inputs() throws {
    let copy = try folder.copy("tiny/checkpoint")
    let names = try FileManager.default.contentsOfDirectory(atPath: copy).sorted()
    _ = try folder.write("{}".utf8, as: "copy/generation_config.json")
    for command in [["stats", copy], ["diff", Self.checkpoint, copy], ["diff", copy, Self.checkpoint]] {
      for name in names + ["generation_config.json"] {
        try expectRefusal(command + ["--html", "\(copy)/\(name)"], naming: name, in: folder)
      }
    }
    let shard = "\(copy)/model-00001-of-00003.safetensors"
    for name in ["config.json", "tokenizer.json", "model-00002-of-00003.safetensors"] {
      try expectRefusal(["stats", shard, "--html", "\(copy)/\(name)"], naming: name, in: folder)
    }
    try FileManager.default.linkItem(atPath: "\(copy)/config.json", toPath: folder.path("other name"))
    try expectRefusal(["stats", copy, "--html", folder.path("other name")], naming: "other name", in: folder)
    try expectRefusal(["convert", copy, "-o", folder.path("other name")], naming: "other name", in: folder)
    // Its own earlier page is no input.
    for _ in 0..<2 { #expect(try Command.run(["stats", copy, "--html", "\(copy)/a.html"]).status == 0) }
  }

  @Test("Bundles, their frames, questions and videos are not overwritten by the page about them (report 13d)")
  func inputsOfVerify() throws {
    let model = try SampleModel.float.get()
    let references = try folder.copy("sample/references", as: "references")
    let bundle = "\(references)/v22_h264-direction.f32.safetensors"
    let clip = try folder.copy("sample/videos/v22_h264.mp4", as: "clip.mp4")
    let questions = try folder.write(
      #"[{"video": "\#(clip)", "task": "t", "question": "q", "answer": "a"}]"#.utf8, as: "questions.json")
    for place in [bundle, "\(references)/v22_h264-direction.frames.safetensors"] {
      try expectRefusal(["verify", model, "--reference", bundle, "--html", place], naming: place, in: folder)
    }
    for place in [clip, questions] {
      try expectRefusal(
        ["verify", model, "--against", model, "--questions", questions, "--html", place], naming: place,
        in: folder)
    }
    try expectRefusal(
      ["stats", model, "--activations", "--ask", "q", "--video", clip, "--html", clip], naming: clip,
      in: folder)
  }
}
