import CogTestSupport
import Foundation
import Testing

/// `cogvlm calibrate`, and `cogvlm stats` over what it writes.
@Suite struct CalibrateTests {
  private let folder: TemporaryFolder
  private static let videos = Fixtures.path("sample/videos")

  init() throws { folder = try TemporaryFolder() }

  private func questions(
    _ videos: [String], _ questions: [String] = ["What color is the circle?"], as name: String = "q.json"
  ) throws -> String {
    let entries = videos.flatMap { video in
      questions.map { #"{"video":"\#(video)","task":"t","question":"\#($0)","answer":"x"}"# }
    }
    return try folder.write("[\(entries.joined(separator: ","))]".utf8, as: name)
  }

  private func calibrate(
    _ questions: String, to name: String = "a.cogcal", _ options: [String] = [], status: Int32 = 0
  ) throws -> Program.Outcome {
    let outcome = try Command.run(
      [
        "calibrate", SampleModel.float.get(), "--questions", questions, "--videos", Self.videos, "-o",
        folder.path(name),
      ] + options)
    #expect(outcome.status == status, "\(outcome.errors)")
    return outcome
  }

  @Test(
    "Moments are within 1e-5 of what numpy makes of PyTorch's activations",
    .enabled(if: Python.hasNumpy, "needs python3 with numpy"))
  func secondOpinion() throws {
    _ = try calibrate(
      questions(["v22_h264.mp4"], ["Which way does the circle move?"]), ["--mode", "float32"])
    let oracle = Fixtures.packageFolder.appending(path: "Tests/Python/moments_oracle.py").path
    let arguments = [
      oracle, folder.path("a.cogcal"), Fixtures.path("sample/checkpoint"),
      Fixtures.path("sample/references/v22_h264-direction.f32.safetensors"),
    ]
    let outcome = try Python.run(arguments)
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.split(separator: "\n").count == 9)
    // It notices moments of another arithmetic.
    _ = try calibrate(
      questions(["v22_h264.mp4"], ["Which way does the circle move?"]), ["--mode", "bfloat16"])
    #expect(try Python.run(arguments).status == 1)
  }

  @Test("The document says what was looked at, and the text does in three lines")
  func summary() throws {
    let outcome = try calibrate(questions(["v22_h264.mp4"], ["One?", "Two?"]), ["--json"])
    let document = try outcome.json()
    #expect(outcome.errors == "")
    let counts = try #require(document["counts"] as? [String: Int])
    #expect(counts["videos"] == 1 && counts["prompts"] == 2 && counts["frames"] == 3)
    #expect(counts["imageTokens"] == 3 * 66)
    // Four inputs of each of eight layers, three of the adapter, and the head.
    #expect(document["inputs"] as? Int == 4 * 4 + 4 * 4 + 3 + 1)
    let settings = try #require(document["settings"] as? [String: Any])
    #expect(["mode", "template", "frames"].map { settings[$0] as? String } == ["bfloat16", "chat", "chat"])
    #expect(settings["toleratesDamage"] as? Bool == false)
    let size = try FileManager.default.attributesOfItem(atPath: folder.path("a.cogcal"))[.size] as? Int
    #expect(document["bytes"] as? Int == size)
    #expect(
      try calibrate(questions(["v22_h264.mp4"])).output.split(separator: "\n").count == 3)
  }

  @Test("Without questions every file of the folder is asked about in the command's own words")
  func folderOfVideos() throws {
    let videos = folder.path("clips")
    try FileManager.default.createDirectory(atPath: videos, withIntermediateDirectories: false)
    try FileManager.default.copyItem(
      atPath: SampleModel.video("v22_h264.mp4"), toPath: videos + "/b.mp4")
    _ = try folder.write("a note".utf8, as: "clips/a.txt")
    let outcome = try Command.run([
      "calibrate", SampleModel.float.get(), "--videos", videos, "-o", folder.path("a.cogcal"), "--json",
    ])
    #expect(outcome.status == 3)
    #expect(outcome.errors.hasPrefix("warning: a.txt is left out: "))
    let document = try outcome.json()
    #expect((document["failed"] as? [[String: String]])?.map { $0["video"] } == ["a.txt"])
    #expect((document["counts"] as? [String: Int])?["prompts"] == 8)
  }

  @Test("A video that is missing is named and counted, and the status is 3; all of them missing is status 2")
  func missing() throws {
    let outcome = try calibrate(questions(["none.mp4", "v22_h264.mp4"]), status: 3)
    #expect(
      outcome.errors.hasPrefix("warning: none.mp4 is left out: ") && outcome.errors.contains("none.mp4"))
    #expect(outcome.output.contains("1 videos failed"))
    let all = try calibrate(questions(["none.mp4", "no.mp4"]), to: "b.cogcal", status: 2)
    #expect(all.errors.contains("none.mp4"))
    #expect(try folder.contents() == ["a.cogcal", "q.json"])
  }

  @Test("A model with int4 weights is warned of")
  func int4() throws {
    let outcome = try Command.run([
      "calibrate", SampleModel.int4.get(), "--questions", questions(["v22_h264.mp4"]), "--videos",
      Self.videos, "-o", folder.path("a.cogcal"),
    ])
    #expect(outcome.status == 0 && outcome.errors.contains("weights are int4/64"))
    let int8 = try Command.run([
      "calibrate", SampleModel.int8.get(), "--questions", questions(["v22_h264.mp4"]), "--videos",
      Self.videos, "-o", folder.path("a.cogcal"), "--json",
    ])
    #expect(int8.status == 0 && int8.errors == "")
    #expect((try int8.json()["settings"] as? [String: Any])?["mode"] as? String == "fast")
  }

  @Test("Ended by a signal and taken up, it writes the bytes of one run")
  func resumes() throws {
    let videos = ["v22_h264.mp4", "v21_h264.mp4", "v03_h264.mp4", "v09_vp9.webm"]
    let list = try questions(videos)
    _ = try calibrate(list, to: "whole.cogcal")
    let out = folder.path("a.cogcal")
    let journal = out + ".part.journal"
    let arguments = [
      "calibrate", try SampleModel.float.get(), "--questions", list, "--videos", Self.videos, "-o", out,
    ]
    for signal in [SIGINT, SIGKILL] {
      let outcome = try Command.run(arguments + ["--resume"]) { process in
        let before = lines(journal)
        for _ in 0..<2000 where process.isRunning && lines(journal) <= max(1, before) { usleep(5000) }
        kill(process.processIdentifier, signal)
      }
      guard !FileManager.default.fileExists(atPath: out) else { break }
      #expect([130, 1000 + SIGKILL].contains(outcome.status), "\(outcome.errors)")
      if outcome.status == 130 {
        #expect(outcome.errors.contains("interrupted\nnote: "))
        #expect(outcome.errors.contains("of 4 videos are kept in \(out).part; to go on: "))
      }
    }
    if !FileManager.default.fileExists(atPath: out) {
      let outcome = try Command.run(arguments + ["--resume"])
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    #expect(FileManager.default.contentsEqual(atPath: out, andPath: folder.path("whole.cogcal")))
    #expect(try folder.contents() == ["a.cogcal", "q.json", "whole.cogcal"])
  }

  /// Lines of a file; 0 where there is none.
  private func lines(_ path: String) -> Int {
    (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n").count ?? 0
  }

  @Test("Files of two halves are merged; those of other options and the same videos are refused by name")
  func merging() throws {
    let list = try questions(["v22_h264.mp4", "v21_h264.mp4"])
    _ = try calibrate(list, to: "first.cogcal", ["--split", "1/2"])
    _ = try calibrate(list, to: "second.cogcal", ["--split", "2/2"])
    _ = try calibrate(list, to: "all.cogcal")
    _ = try calibrate(list, to: "other.cogcal", ["--split", "2/2", "--frames", "2"])
    let files = ["first.cogcal", "second.cogcal", "other.cogcal"].map(folder.path)
    let merged = try Command.run(["calibrate", "--merge"] + files[..<2] + ["-o", folder.path("sum.cogcal")])
    #expect(merged.status == 0, "\(merged.errors)")
    let tables = try ["sum.cogcal", "all.cogcal"].map { name in
      try Command.run(["stats", folder.path(name), "--csv"]).output
    }
    #expect(tables[0] == tables[1])
    for (second, says) in [(files[2], "settings.frames"), (files[0], "sets")] {
      let outcome = try Command.run([
        "calibrate", "--merge", files[0], second, "-o", folder.path("no.cogcal"),
      ])
      #expect(outcome.status == 2)
      #expect(outcome.errors.contains(second) && outcome.errors.contains(says), "\(outcome.errors)")
      #expect(outcome.errors.contains(files[0]))
    }
    #expect(try !folder.contents().contains("no.cogcal"))
  }

  @Test("stats shows a calibration as text, JSON, comma-separated values and a page, whatever its name")
  func stats() throws {
    _ = try calibrate(questions(["v22_h264.mp4"]), to: "a file")
    let path = folder.path("a file")
    let text = try Command.run(["stats", path])
    #expect(text.status == 0 && text.output.contains("model.layers.3.mlp.language_mlp.down_proj.weight"))
    #expect(text.output.contains("channels that carry most"))
    let document = try Command.run(["stats", path, "--json", "--part", "adapter"]).json()
    let inputs = try #require(document["inputs"] as? [[String: Any]])
    #expect(inputs.count == 3 && inputs.allSatisfy { $0["text"] == nil && $0["image"] != nil })
    let lines = try Command.run(["stats", path, "--csv"]).output.split(separator: "\n")
    // A title; the tower and the adapter see images, the layers both, the head text.
    #expect(lines.count == 1 + 16 + 3 + 2 * 16 + 1)
    #expect(Set(lines.map { $0.count { $0 == "," } }) == [15])
    let html = folder.path("a.html")
    let page = try Command.run(["stats", path, "--layers", "0-1", "--html", html])
    #expect(page.status == 0)
    let content = try String(contentsOfFile: html, encoding: .utf8)
    #expect(content.contains("Largest magnitude over root mean square"))
    #expect(content.contains("model.vision.transformer.layers.1.mlp.fc2.weight"))
    #expect(!content.contains("model.layers.2.mlp"))
    let none = try Command.run(["stats", path, "--name", "nothing"])
    #expect(none.status == 2 && none.errors.contains("no tensor fits the filter"))
  }

  @Test("A damaged file is refused with the tensor's name, by the Python reader too")
  func damaged() throws {
    let samples = Fixtures.packageFolder.appending(path: "Formats/samples/calibration").path
    for name in ["damaged-tensor", "other-version", "more-squares-than-tokens"] {
      let path = "\(samples)/\(name).cogcal"
      let outcome = try Command.run(["stats", path])
      #expect(outcome.status == 2 && outcome.errors.hasPrefix("error: \(path): "), "\(outcome.errors)")
      guard Python.hasNumpy else { continue }
      let other = try Python.run([Python.tools + "/read_calibration.py", path])
      #expect(other.status == 2 && other.errors.hasPrefix("error: \(path): "), "\(other.errors)")
      if name == "damaged-tensor" {
        #expect(outcome.errors.contains(".text.largest") && other.errors.contains(".text.largest"))
      }
    }
  }

  @Test(
    "The Python reader finds the same fields and moments",
    .enabled(if: Python.hasNumpy, "needs python3 with numpy"))
  func pythonReader() throws {
    _ = try calibrate(questions(["v22_h264.mp4"]))
    let (path, reader) = (folder.path("a.cogcal"), Python.tools + "/read_calibration.py")
    let document = try Command.run(["stats", path, "--json"]).json()
    let listing = try Python.run([reader, path, "--json"]).json()
    let fields = try #require(listing["fields"] as? [String: Any])
    for key in ["model", "sets", "settings", "counts", "failed", "tool"] {
      let (found, expected) = (text(of: fields[key]), text(of: document[key]))
      #expect(found == expected && found != nil, "\(key)")
    }
    let names = try #require(document["inputs"] as? [[String: Any]]).compactMap { $0["name"] as? String }
    #expect((listing["inputs"] as? [[String: Any]])?.compactMap { $0["name"] as? String } == names)
    let npy = folder.path("a.npy")
    let name = "model.layers.2.mlp.language_mlp.gate_proj.weight"
    #expect(try Python.run([reader, path, "--input", name, "--kind", "text", "--npy", npy]).status == 0)
    let rms = try Python.run([
      "-c", "import numpy, sys; print(float(numpy.load(sys.argv[1])[1].mean() ** 0.5))", npy,
    ])
    let input = try #require(document["inputs"] as? [[String: Any]]).first { $0["name"] as? String == name }
    let expected = try #require((input?["text"] as? [String: Any])?["rootMeanSquare"] as? Double)
    let found = try #require(Double(rms.output.trimmingCharacters(in: .whitespacesAndNewlines)))
    #expect(abs(found - expected) < 1e-9 * expected)
    #expect(try Python.run([reader, path, "--npy", npy]).status == 64)
    #expect(try Python.run([reader, SampleModel.float.get()]).status == 2)
  }

  /// A part of a document as JSON, the keys in order.
  private func text(of value: Any?) -> Data? {
    value.flatMap { try? JSONSerialization.data(withJSONObject: [$0], options: .sortedKeys) }
  }

  @Test("Calls that mean nothing are wrong usage")
  func usage() throws {
    let model = try SampleModel.float.get()
    let out = ["-o", folder.path("a.cogcal")]
    for arguments in [
      [model], ["--questions", "q"], [model, "--videos", "v", "--split", "1/2"], ["--merge", "a"],
      [model, "--merge", "a", "b"], ["--merge", "a", "b", "--resume"],
      ["--merge", "a", "b", "--mode", "fast"],
    ] {
      #expect(try Command.run(["calibrate"] + arguments + out).status == 64, "\(arguments)")
    }
    #expect(try folder.contents() == [])
  }
}
