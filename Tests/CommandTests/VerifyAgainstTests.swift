import CogTestSupport
import Foundation
import Testing

/// `cogvlm verify --against`: int4 beside BF16, over one video and over a question set.
@Suite struct VerifyAgainstTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let question = [
    "--video", SampleModel.video("v22_h264.mp4"), "--ask", "Which way does the circle move?",
  ]

  private func run(_ model: String, _ other: String, _ options: [String]) throws -> Program.Outcome {
    try Command.run(["verify", model, "--against", other] + options)
  }

  private func report(_ options: [String] = question) throws -> [String: Any] {
    let outcome = try run(SampleModel.int4.get(), SampleModel.float.get(), ["--json"] + options)
    try #require(outcome.status == 0 && outcome.errors == "", "\(outcome.errors)")
    return try outcome.json()
  }

  private func list(_ report: [String: Any], _ key: String) throws -> [[String: Any]] {
    try #require(report[key] as? [[String: Any]])
  }

  @Test("int4 against BF16 has both errors of every tap, the divergence of the predictions, and both answers")
  func document() throws {
    let document = try report()
    let taps = try list(document, "taps")
    #expect(taps.count == 14)
    for tap in taps {
      let error = try #require(tap["isolatedRelativeL2"] as? Double)
      // model.vision only puts boi and eoi around what it is given.
      #expect(tap["name"] as? String == "model.vision" ? error == 0 : (1e-4..<0.22).contains(error), "\(tap)")
      #expect((0.001..<0.48).contains(try #require(tap["relativeL2"] as? Double)), "\(tap)")
    }
    #expect((document["tolerance"] as? [String: Any])?["profile"] as? String == "int4")
    let question = try #require(try list(document, "questions").first)
    #expect(question["referenceAnswer"] as? String == "up" && question["answer"] as? String == "up")
    let divergences = try #require(question["klDivergences"] as? [Double])
    #expect(
      divergences.count == (question["referenceIds"] as? [Int])?.count && divergences.allSatisfy { $0 > 0 })
    let divergence = try #require(document["divergence"] as? [String: Any])
    #expect(divergence["maxKL"] as? Double == divergences.max())
    let capped = divergences.reduce(0) { $0 + min(1, $1) } / Double(divergences.count)
    #expect(abs(try #require(divergence["cappedMeanKL"] as? Double) - capped) <= 1e-12)
    let logs = try ["logProbabilities", "referenceLogProbabilities"].map { key in
      try #require(question[key] as? [Double])
    }
    let ratio = exp(zip(logs[1], logs[0]).reduce(0) { $0 + $1.0 - $1.1 } / Double(divergences.count))
    #expect(abs(try #require(divergence["perplexityRatio"] as? Double) - ratio) <= 1e-12)
    #expect(question["flip"] is NSNull && question["task"] is NSNull && document["intervals"] is NSNull)
    #expect(divergence["top1Agreement"] as? Double == 1)
    let frames = try #require(try list(document, "videos").first?["frames"] as? [[String: Any]])
    #expect(frames.map { $0["index"] as? Int } == [0, 15, 29])
  }

  @Test("The weights' errors are those that diff finds, for every tensor and every part")
  func agreesWithDiff() throws {
    let document = try report()
    let diff = try Command.run(["diff", "--json", SampleModel.int4.get(), SampleModel.float.get()]).json()
    let tensors = try list(document, "tensors")
    let expected = try list(diff, "tensors")
    #expect(tensors.count == expected.count && tensors.count == 97)
    for (tensor, other) in zip(tensors, expected) {
      #expect(tensor["name"] as? String == other["name"] as? String)
      #expect(tensor["isIdentical"] as? Bool == other["isIdentical"] as? Bool)
      #expect(tensor["relativeL2"] as? Double == other["relativeL2"] as? Double)
      // What quantize wrote into the file about itself, in float32.
      let (measured, recorded) = (
        tensor["relativeL2"] as? Double ?? -1, tensor["recordedRelativeRMS"] as? Double ?? -2
      )
      #expect(abs(measured - recorded) <= 1e-6 * measured, "\(tensor)")
    }
    let parts = Dictionary(
      try list(diff, "parts").map { ($0["name"] as? String ?? "", $0["relativeL2"] as? Double) }
    ) { first, _ in first }
    for part in try list(document, "parts") {
      let name = try #require(part["part"] as? String)
      #expect(part["weightRelativeL2"] as? Double == parts[name], "\(name)")
    }
  }

  @Test(
    "The weights' errors are numpy's, for every tensor and every part",
    .enabled(if: Python.hasNumpy, "needs python3 with numpy"))
  func agreesWithNumpy() throws {
    let document = try report()
    let tensors = try list(document, "tensors")
    let parts = Dictionary(
      tensors.map { ($0["name"] as? String ?? "", $0["part"] as? String ?? "") }
    ) { first, _ in first }
    let mapping = try folder.write(JSONSerialization.data(withJSONObject: parts), as: "parts.json")
    let script = """
      import json, os, sys
      import numpy
      sys.path.insert(0, os.path.dirname(sys.argv[1]))
      import numpy_oracle
      a, b = numpy_oracle.read(sys.argv[2]), numpy_oracle.read(sys.argv[3])
      sums = {}
      for name, part in json.load(open(sys.argv[4])).items():
          x, y = (side[name].values.astype("<f8").ravel() for side in (a, b))
          for key in (name, "part " + part):
              noise, signal = sums.get(key, (0.0, 0.0))
              sums[key] = (noise + ((x - y) ** 2).sum(), signal + (y**2).sum())
      ratios = {key: float(numpy.sqrt(n / s)) if s else 0 for key, (n, s) in sums.items()}
      print(json.dumps(ratios))
      """
    let numpy = try Python.run([
      "-c", script, StatsTests.oracle, SampleModel.int4.get(), SampleModel.float.get(), mapping,
    ])
    try #require(numpy.status == 0, "\(numpy.errors)")
    let expected = try #require(try numpy.json() as? [String: Double])
    let found =
      tensors.map { ($0["name"] as? String ?? "", $0["relativeL2"] as? Double ?? .nan) }
      + (try list(document, "parts")).map {
        ("part \($0["part"] as? String ?? "")", $0["weightRelativeL2"] as? Double ?? .nan)
      }
    #expect(found.count == expected.count)
    for (name, error) in found {
      let other = try #require(expected[name], "\(name)")
      #expect(abs(error - other) <= 1e-9 * other, "\(name): \(error), numpy \(other)")
    }
  }

  @Test("A model compared with itself passes even the exact profile, and another one does not")
  func exact() throws {
    let model = try SampleModel.float.get()
    let copy = folder.path("copy.cogvlm")
    try FileManager.default.copyItem(atPath: model, toPath: copy)
    let same = try run(model, copy, ["--json", "--profile", "exact"] + Self.question)
    #expect(same.status == 0, "\(same.errors)")
    let document = try same.json()
    let divergence = try #require(document["divergence"] as? [String: Any])
    #expect(divergence["maxKL"] as? Double == 0 && divergence["top1Agreement"] as? Double == 1)
    for tap in try list(document, "taps") {
      #expect(tap["relativeL2"] as? Double == 0 && tap["cosine"] as? Double == 1, "\(tap)")
    }
    let other = try run(SampleModel.int4.get(), model, ["--json", "--profile", "exact"] + Self.question)
    #expect(other.status == 1)
    #expect(try other.json()["firstAtFault"] as? String == "model.vision.patch_embedding")
  }

  @Test("Both answers are those that ask gives, also after the two have parted")
  func answersOfAsk() throws {
    let source = Fixtures.path("tiny/checkpoint")
    try Safetensors(folder: source).changing("model.layers.1.mlp.language_mlp.down_proj.weight") { bytes, _ in
      bytes = Data(count: bytes.count)
    }.write(toFolder: folder.path("changed"), with: "tiny/checkpoint")
    let models = [folder.path("changed.cogvlm"), folder.path("tiny.cogvlm")]
    for (source, model) in zip([folder.path("changed"), source], models) {
      try #require(try Command.run(["convert", source, "-o", model]).status == 0)
    }
    let options = ["--video", Fixtures.path("videos/h264_25fps_7s.mp4"), "--max-new-tokens", "16", "--json"]
    let question = "What is the man doing?"
    let outcome = try run(models[0], models[1], ["--ask", question] + options)
    #expect(outcome.status == 1, "\(outcome.errors)")
    let answers = try #require(try list(outcome.json(), "questions").first)
    let asked = try models.map { try Command.run(["ask", $0, question] + options).json()["ids"] as? [Int] }
    #expect(answers["ids"] as? [Int] == asked[0] && answers["referenceIds"] as? [Int] == asked[1])
    // They part, and not at once.
    let shared = zip(asked[0] ?? [], asked[1] ?? []).prefix { $0 == $1 }.count
    #expect(asked[0] != asked[1] && shared + 1 < asked[0]?.count ?? 0, "\(asked)")
  }

  @Test("Limits given by hand apply, and text, document and page say that they were given")
  func overrides() throws {
    let page = folder.path("report.html")
    let options = ["--accumulated", "0.05", "--html", page] + Self.question
    let outcome = try run(SampleModel.int4.get(), SampleModel.float.get(), options)
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("accumulated 0.05 (given; the profile has 0.48)"))
    let document = try JSONSerialization.jsonObject(with: Data(WrittenPage(path: page).document.utf8))
    let tolerance = try #require((document as? [String: Any])?["tolerance"] as? [String: Any])
    #expect(tolerance["overridden"] as? [String] == ["accumulated"])
    #expect(tolerance["accumulated"] as? Double == 0.05 && tolerance["isolated"] as? Double == 0.22)
    #expect(try WrittenPage(path: page).html.contains("accumulated 0.05 (given; the profile has 0.48)"))
    // A float model held to int4's limits passes, and the report says whose they are.
    let wide = try Command.run([
      "verify", SampleModel.float.get(), "--profile", "int4", "--html", page, "--reference",
      Fixtures.path("sample/references/v22_h264-direction.bf16.safetensors"),
    ])
    #expect(wide.status == 0)
    #expect(wide.output.contains("tolerance int4 (given; the model's own is bfloat16)"))
    #expect(try WrittenPage(path: page).html.contains("The limits are not the model&#39;s own"))
  }

  @Test("report 3: questions about missing clips are listed as failed, and the others are compared")
  func failed() throws {
    let entries = ["none.mp4", "v22_h264.mp4"].map {
      #"{"video": "\#($0)", "task": "t", "question": "Which way does the circle move?", "answer": "up"}"#
    }
    let file = try folder.write("[\(entries.joined(separator: ","))]".utf8, as: "questions.json")
    let options = ["--questions", file, "--videos", Fixtures.path("sample/videos")]
    let outcome = try run(SampleModel.int4.get(), SampleModel.float.get(), ["--json"] + options)
    #expect(outcome.status == 3 && outcome.errors.hasPrefix("warning: "), "\(outcome.errors)")
    #expect(outcome.errors.contains("none.mp4: cannot open: No such file or directory"))
    let document = try outcome.json()
    #expect(document["passed"] as? Bool == false && document["firstAtFault"] is NSNull)
    #expect(try list(document, "questions").count == 1)
    let failed = try list(document, "failed")
    #expect(failed.map { $0["video"] as? String } == ["none.mp4"])
    let text = try run(SampleModel.int4.get(), SampleModel.float.get(), options)
    #expect(text.status == 3 && text.output.contains("could not be asked") && text.output.contains("FAILED"))
    // The only video there is makes an error.
    let only = ["--ask", "What?", "--video", folder.path("none.mp4")]
    #expect(try run(SampleModel.int4.get(), SampleModel.float.get(), only).status == 2)
  }

  /// A question about each of some videos.
  private func questionFile(_ asked: [(video: String, question: String)]) throws -> String {
    let entries = asked.map {
      #"{"video": "\#($0.video)", "task": "t", "question": "\#($0.question)", "answer": "x"}"#
    }
    return try folder.write("[\(entries.joined(separator: ","))]".utf8, as: "questions.json")
  }

  @Test(
    "A question that is too long is listed as failed, with its file and number, and the others are compared",
    arguments: [false, true])
  func tooLong(_ asksEvery: Bool) throws {
    let (good, long) = ("How many shapes are there?", String(repeating: "shapes and ", count: 1500))
    let videos = ["v21_h264.mp4", "v22_h264.mp4"]
    let file = try questionFile([
      (videos[0], long), (videos[0], good), (videos[1], good), (videos[1], "What color is it?"),
    ])
    let options =
      ["--questions", file, "--videos", Fixtures.path("sample/videos"), "--max-new-tokens", "2", "--json"]
      + (asksEvery ? ["--every-question"] : [])
    let outcome = try run(SampleModel.int4.get(), SampleModel.float.get(), options)
    #expect(outcome.status == 3, "\(outcome.errors)")
    let place = "\(file): v21_h264.mp4, question 1: the prompt does not leave room"
    #expect(outcome.errors.hasPrefix("warning: failed question: \(place)"), "\(outcome.errors)")
    let document = try outcome.json()
    #expect(document["passed"] as? Bool == false)
    let failed = try list(document, "failed")
    #expect(failed.map { $0["video"] as? String } == (asksEvery ? videos : [videos[0]]))
    #expect((failed.first?["error"] as? String)?.hasPrefix(place) == true, "\(failed)")
    #expect(try list(document, "questions").count == (asksEvery ? 4 : 3))
    // Layers are compared, over the first question that can be asked.
    #expect(try list(document, "taps").count == 14)
    let only = try questionFile([(videos[0], long)])
    let none = try run(
      SampleModel.int4.get(), SampleModel.float.get(),
      ["--questions", only, "--videos", Fixtures.path("sample/videos"), "--json"])
    #expect(none.status == 2 && none.output == "", "\(none.errors)")
    #expect(none.errors.contains("error: \(only): v21_h264.mp4, question 1: "), "\(none.errors)")
  }

  @Test("Files that cannot be compared, and options that do not fit, are refused")
  func refusals() throws {
    let float = try SampleModel.float.get()
    let tiny = folder.path("tiny.cogvlm")
    try #require(try Command.run(["convert", Fixtures.path("tiny/checkpoint"), "-o", tiny]).status == 0)
    let outcome = try run(float, tiny, ["--ask", "x"])
    #expect(outcome.status == 2 && outcome.errors.contains("different sizes"), "\(outcome.errors)")
    // A report must not replace a file that is read, nor fail after long work.
    for place in [float, folder.path("missing/report.html")] {
      let outcome = try run(SampleModel.int4.get(), float, ["--html", place] + Self.question)
      #expect(outcome.status == 2 && outcome.errors.contains(place), "\(outcome.errors)")
    }
    #expect(try Data(contentsOf: URL(filePath: float)).count > 1_000_000)
    for options in [
      [], ["--ask", "x", "--questions", "q.json"], ["--ask", "x", "--limit", "1"],
      ["--ask", "x", "--limit", "0"],
      ["--ask", "x", "--accumulated", "-1"], ["--ask", "x", "--profile", "loose"],
      ["--ask", "x", "--reference", "r.f32.safetensors"],
    ] { #expect(try run(float, float, options).status == 64, "\(options)") }
    #expect(try Command.run(["verify", float, "--reference", "r", "--ask", "x"]).status == 64)
  }
}

extension VerifyAgainstTests {
  /// Two questions about each of three videos, four distinct ones in all.
  private func questions() throws -> String {
    try questionFile([
      ("v22_h264.mp4", "Which way does the circle move?"), ("v22_h264.mp4", "How many shapes are there?"),
      ("v21_h264.mp4", "How many shapes are there?"), ("v21_h264.mp4", "What color is the circle?"),
      ("v00_h264_square.mp4", "What color is the triangle?"),
    ])
  }

  @Test("The halves of a question file share no video, and every question can be asked about every video")
  func split() throws {
    func asked(_ options: [String]) throws -> [String: [String]] {
      let all = try ["--questions", questions(), "--videos", Fixtures.path("sample/videos")] + options
      let questions = try list(report(all), "questions")
      return Dictionary(grouping: questions) { $0["video"] as? String ?? "" }.mapValues { group in
        group.compactMap { $0["question"] as? String }
      }
    }
    let whole = try report(["--questions", questions(), "--videos", Fixtures.path("sample/videos")])
    let intervals = try #require(whole["intervals"] as? [String: Any])
    #expect(intervals["videos"] as? Int == 3)
    let tasks = try list(whole, "tasks")
    #expect(tasks.map { $0["task"] as? String } == ["t"] && tasks.first?["questions"] as? Int == 5)
    let halves = try ["1/2", "2/2"].map { try asked(["--split", $0, "--max-new-tokens", "1"]) }
    #expect(halves.map { $0.keys.sorted() } == [["v00_h264_square.mp4", "v22_h264.mp4"], ["v21_h264.mp4"]])
    let crossed = try asked(["--except", "*square*", "--every-question", "--max-new-tokens", "1"])
    #expect(crossed.keys.sorted() == ["v21_h264.mp4", "v22_h264.mp4"])
    #expect(crossed["v21_h264.mp4"]?.count == 4 && crossed["v21_h264.mp4"] == crossed["v22_h264.mp4"])
    let none = try run(
      SampleModel.int4.get(), SampleModel.float.get(), ["--questions", questions(), "--only", "x*"])
    #expect(none.status == 2 && none.errors.contains("no video fits the selection"), "\(none.errors)")
  }

  /// On a busy machine nothing may have been compared yet: then there is no more than a word.
  @Test("After Ctrl-C what was compared is printed")
  func interrupted() throws {
    for seconds in [2.0, 6, 18, 54] {
      let outcome = try Command.run([
        "verify", SampleModel.int4.get(), "--against", SampleModel.float.get(), "--threads", "1", "--json",
        "--questions", Fixtures.path("sample/questions.json"), "--videos", Fixtures.path("sample/videos"),
        "--every-question",
      ]) { process in
        Thread.sleep(forTimeInterval: seconds)
        process.interrupt()
      }
      #expect(outcome.status == 130 && outcome.errors == "interrupted\n", "\(outcome.errors)")
      if outcome.output.isEmpty { continue }
      #expect((1..<1000).contains(try list(outcome.json(), "questions").count))
      return
    }
    Issue.record("nothing was compared in 54 seconds")
  }
}
