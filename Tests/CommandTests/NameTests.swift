import CogTestSupport
import Foundation
import Testing

/// Names of files as people have them: reports 9b, 10, 11 and 13e.
@Suite struct NameTests {
  private let folder: TemporaryFolder
  /// A name with the byte E9, which is no UTF-8, as a shell writes it.
  private static let name = #"n=$(printf 'caf\351'); "#

  init() throws { folder = try TemporaryFolder() }

  /// Runs a line of shell in the folder, in which `$n` is that name.
  private func shell(_ line: String, _ arguments: [String] = []) throws -> Program.Outcome {
    try Command.shell(
      "cd \"$HERE\" && \(Self.name)\(line)", arguments, environment: ["HERE": folder.url.path])
  }

  @Test("A name that is no UTF-8 is opened and written as it is, and shown as \\xE9 (report 10)")
  func bytes() throws {
    let made = try shell(
      """
      cp -r "$1" "$n" && cp "$2" "$n.mp4" && cogvlm convert "$n" -o "$n.cogvlm" \
        && cogvlm inspect --check "$n.cogvlm" && cogvlm quantize "$n" -o "$n.int4" --json \
        && cogvlm convert "$n.cogvlm" --to safetensors -o "$n.folder" \
        && cogvlm stats "$n" --html "$n.html" >&2 && cogvlm frames "$n.mp4" -o "$n.frames" --json
      """, [Fixtures.path("sample/checkpoint"), SampleModel.video("v22_h264.mp4")])
    #expect(made.status == 0, "\(made.errors)")
    #expect(made.output.contains(#"caf\xE9.cogvlm"#) && made.output.contains(#""caf\\xE9.mp4""#))
    // The very bytes, and no other names.
    let names = try shell("LC_ALL=C ls -d * | LC_ALL=C sed 's/\\xe9/E9/'").output
    #expect(
      names.split(separator: "\n") == [
        "cafE9", "cafE9.cogvlm", "cafE9.folder", "cafE9.frames", "cafE9.html", "cafE9.int4", "cafE9.mp4",
      ])
    let page = try shell(#"cat "$n.html""#).output
    #expect(page.contains(#"caf\xE9"#) && String(validating: page.utf8, as: UTF8.self) != nil)
    let asked = try shell(
      #"cogvlm ask "$n.cogvlm" --video "$n.frames" --fps 1 "What color is the circle?" --json"#)
    #expect(asked.status == 0, "\(asked.errors)")
    let missing = try shell(#"cogvlm inspect "no $n""#)
    #expect(missing.status == 2 && missing.errors.hasPrefix(#"error: no caf\xE9: cannot open"#))
  }

  @Test("Shards, images, bundles and videos of questions may have such names (report 10)")
  func bytesInFolders() throws {
    let made = try shell(
      """
      mkdir images q && cp "$1" "images/$n.png" && cp "$2" "$n.f32.safetensors" \
        && cogvlm frames images --fps 1 -o out --json && cogvlm inspect "$n.f32.safetensors" --json
      """,
      [
        try folder.write(Self.onePixel, as: "pixel.ppm"),
        Fixtures.path("sample/references/v22_h264-direction.f32.safetensors"),
      ])
    #expect(made.status == 0, "\(made.errors)")
  }

  /// A PPM file of one pixel.
  private static let onePixel = Array("P6\n1 1\n255\n".utf8) + [1, 2, 3]

  @Test("The command that goes on names the file as bash takes it (report 10)")
  func resuming() throws {
    let stopped = try shell(
      #"ulimit -f 1000; cogvlm quantize "$1" -o "$n.out""#, [Fixtures.path("sample/checkpoint")])
    #expect(stopped.status == 2, "\(stopped.errors)")
    let note = try #require(stopped.errors.split(separator: "\n").first { $0.hasPrefix("note: ") })
    #expect(note.contains(#"$'caf\xE9.out'"#), "\(note)")
  }

  @Test("A name breaks no line and steers no terminal")
  func controls() throws {
    let name = folder.path("a\nb\u{1B}[31m")
    let clip = SampleModel.video("v22_h264.mp4")
    let bundle = Fixtures.path("sample/references/v22_h264-direction.f32.safetensors")
    try FileManager.default.copyItem(atPath: bundle, toPath: name + ".f32.safetensors")
    for command in [
      ["convert", Fixtures.path("sample/checkpoint"), "-o", name], ["inspect", name], ["stats", name],
      ["verify", name, "--reference", name + ".f32.safetensors", "--video", clip],
      ["verify", name, "--against", name, "--ask", "Why?", "--max-new-tokens", "1"],
      ["frames", clip, "-o", name + ".frames"], ["inspect", name + ".none"],
      ["convert", Fixtures.path("sample/checkpoint"), "-o", name, "--to", "safetensors"],
    ] {
      let outcome = try Command.run(command)
      for text in [outcome.output, outcome.errors] {
        #expect(!text.contains("\u{1B}") && !text.contains("\nb"), "\(command): \(text)")
      }
    }
    let stopped = try Command.shell(
      #"ulimit -f 1000; cogvlm quantize "$1" -o "$2""#,
      [Fixtures.path("sample/checkpoint"), name + ".int4"])
    #expect(!stopped.errors.contains("\u{1B}"))
    #expect(stopped.errors.contains(#"a\x0Ab\x1B[31m.int4'"#), "\(stopped.errors)")
  }

  @Test("A question that is no UTF-8 is refused, not repaired")
  func text() throws {
    let model = try SampleModel.float.get()
    for line in [#"cogvlm ask "$1" "$n?""#, #"cogvlm tokenize "$1" "$n""#] {
      let outcome = try shell(line, [model])
      #expect(outcome.status == 2 && outcome.output == "", "\(line)")
      #expect(outcome.errors.contains("not UTF-8") && outcome.errors.contains(#"caf\xE9"#))
    }
  }

  @Test("Composed and decomposed letters are different names")
  func normalization() throws {
    let made = try shell(
      """
      a=$(printf 'caf\\303\\251'); b=$(printf 'cafe\\314\\201')
      mkdir images && cp "$1" "images/$a.ppm" && cp "$1" "images/$b.ppm" \
        && cogvlm frames images --fps 1 -o out --json
      """, [try folder.write(Self.onePixel, as: "pixel.ppm")])
    #expect(try made.json()["frameCount"] as? Int == 2, "\(made.errors)")
  }

  @Test("Hidden files and macOS's companions are no frames (report 11)")
  func hidden() throws {
    let images = folder.path("images")
    try FileManager.default.createDirectory(atPath: images, withIntermediateDirectories: false)
    _ = try folder.write(Self.onePixel, as: "images/a.ppm")
    for name in ["._a.ppm", ".hidden.png", "._frames.csv"] {
      _ = try folder.write(Data([0, 5, 0x16, 7]) + Data(count: 4092), as: "images/\(name)")
    }
    let frames = try Command.run(["frames", images, "--fps", "1", "-o", folder.path("out"), "--json"])
    #expect(try frames.json()["frameCount"] as? Int == 1, "\(frames.errors)")
  }

  @Test("The hub's folder of a model stands for the snapshot that it names")
  func hub() throws {
    let hub = folder.path("models--THUDM--cogvlm2")
    for name in ["refs", "snapshots", "blobs"] {
      try FileManager.default.createDirectory(atPath: "\(hub)/\(name)", withIntermediateDirectories: true)
    }
    let snapshot = "\(hub)/snapshots/0123abcd"
    try FileManager.default.createDirectory(atPath: snapshot, withIntermediateDirectories: false)
    // The snapshot's files are links to blobs.
    for name in try FileManager.default.contentsOfDirectory(atPath: Fixtures.path("tiny/checkpoint")) {
      try FileManager.default.copyItem(
        atPath: Fixtures.path("tiny/checkpoint/\(name)"), toPath: "\(hub)/blobs/sum-of-\(name)")
      try FileManager.default.createSymbolicLink(
        atPath: "\(snapshot)/\(name)", withDestinationPath: "../../blobs/sum-of-\(name)")
    }
    func status(_ words: [String]) throws -> Int32 {
      let outcome = try Command.run(words)
      if outcome.status == 2 { #expect(outcome.errors.contains(hub), "\(outcome.errors)") }
      return outcome.status
    }
    #expect(try status(["inspect", "--check", hub]) == 0)
    try FileManager.default.createDirectory(
      atPath: "\(hub)/snapshots/other", withIntermediateDirectories: false)
    #expect(try status(["inspect", hub]) == 2)
    _ = try folder.write("0123abcd".utf8, as: "models--THUDM--cogvlm2/refs/main")
    let out = folder.path("out.cogvlm")
    for words in [
      ["inspect", "--check", hub], ["tokenize", hub, "hello"], ["stats", hub], ["diff", hub, snapshot],
      ["convert", hub, "-o", out], ["quantize", hub, "-o", out],
    ] { #expect(try status(words) == 0, "\(words)") }
    // What is read are the blobs.
    let blob = "\(hub)/blobs/sum-of-config.json"
    #expect(try status(["stats", hub, "--html", blob]) == 2 && status(["convert", hub, "-o", blob]) == 2)
    for text in ["gone", "../blobs", "", "."] {
      _ = try folder.write(text.utf8, as: "models--THUDM--cogvlm2/refs/main")
      #expect(try status(["inspect", hub]) == 2, "\(text)")
    }
  }

  @Test("A question file may name its videos by absolute paths (report 13e)")
  func absolute() throws {
    let model = try SampleModel.float.get()
    let questions = try folder.write(
      """
      [{"video": "\(SampleModel.video("v22_h264.mp4"))", "task": "t", "question": "What?", "answer": "Up."},
       {"video": "v22_h264.mp4", "task": "t", "question": "What?", "answer": "Up."}]
      """.utf8, as: "questions.json")
    let videos = Fixtures.path("sample/videos")
    let outcome = try Command.run(
      ["eval", model, "--questions", questions, "--videos", videos, "--json", "--max-new-tokens", "4"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let answers = try #require(try outcome.json()["answers"] as? [[String: Any]])
    #expect(answers.count == 2 && answers[0]["ids"] as? [Int] == answers[1]["ids"] as? [Int])
    let compared = try Command.run([
      "verify", model, "--against", model, "--questions", questions, "--videos", videos, "--limit", "1",
      "--max-new-tokens", "1",
    ])
    #expect(compared.status == 0, "\(compared.errors)")
  }
}
