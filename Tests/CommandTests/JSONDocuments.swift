import CogTestSupport
import Foundation
import Testing

/// Documents that the binary prints with `--json`, of each command enough that every key is there in one of
/// them, and every key that may be absent is absent in one.
struct JSONDocuments {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// By the name of the schema.
  static let makers: [String: @Sendable (JSONDocuments) -> () throws -> [String]] = [
    "ask": ask, "ask-segments": askSegments, "bench": bench, "calibrate": calibrate, "caption": caption,
    "conversion": conversion,
    "diff": diff, "eval": eval, "frames": frames, "inspect": inspect, "merge": merge, "score": score,
    "score-pair": scorePair, "stats": stats,
    "stats-calibration": statsOfCalibration,
    "tokenize": tokenize,
    "verify": verify,
    "verify-against": verifyAgainst,
  ]

  private static let checkpoint = Fixtures.path("sample/checkpoint")
  private static let video = SampleModel.video("v22_h264.mp4")

  /// Runs a command and keeps its document, or with `lines` each of its lines.
  private func print(
    _ arguments: [String], input: String = "", status: Int32 = 0, lines: Bool = false
  ) throws -> [String] {
    let outcome = try Command.run([arguments[0], "--json"] + arguments.dropFirst(), input: input)
    try #require(outcome.status == status, "\(arguments): \(outcome.errors)")
    let texts = lines ? outcome.output.split(separator: "\n").map(String.init) : [outcome.output]
    return try texts.map { try folder.write($0.utf8, as: "\(arguments[0])-\(UUID().uuidString).json") }
  }

  func ask() throws -> [String] {
    let model = try SampleModel.float.get()
    return try print(["ask", model, "--video", Self.video, "What color is the circle?"])
      + print(["ask", model, "--video", Self.video, "What?", "Where?", "--max-new-tokens", "1"])
      + print(["ask", model, "Hello?", "--max-new-tokens", "1"])
      + print(["ask", model, "--max-new-tokens", "1", "What?", "--video"] + damagedVideo())
  }

  func askSegments() throws -> [String] {
    let ask = [
      "ask", try SampleModel.float.get(), "--segments", "6", "When does the background change color?",
    ]
    return try print(ask + ["--merge", "--video", SampleModel.video("v24_h264.mp4")])
      + print(ask + ["--max-new-tokens", "1", "--video"] + damagedVideo())
      + print(
        [
          "ask", SampleModel.float.get(), "--segments", "1", "What?", "--max-new-tokens", "1", "--video",
          Fixtures.path("reports/damage/h264_zero.mp4"),
        ], status: 3)
  }

  func bench() throws -> [String] {
    let arguments = ["bench", try SampleModel.int4.get(), "--prompt-tokens", "4", "--runs", "1"]
    return try print(arguments + ["--new-tokens", "1", "--frames", "1"])
      + print(arguments + ["--new-tokens", "0", "--frames", "0"])
  }

  func calibrate() throws -> [String] {
    let arguments = [
      "calibrate", try SampleModel.float.get(), "--videos", Fixtures.path("sample/videos"), "-o",
      folder.path("a.cogcal"), "--questions",
    ]
    return try print(arguments + [questions(["v22_h264.mp4"], name: "one.json")])
      + print(arguments + [questions(["none.mp4", "v22_h264.mp4"], name: "some.json")], status: 3)
  }

  func statsOfCalibration() throws -> [String] {
    let path = folder.path("b.cogcal")
    let list = try questions(["none.mp4", "v22_h264.mp4"], name: "some.json")
    _ = try print(
      [
        "calibrate", SampleModel.float.get(), "--videos", Fixtures.path("sample/videos"), "-o", path,
        "--questions", list,
      ], status: 3)
    let sample = Fixtures.packageFolder.appending(path: "Formats/samples/calibration/good.cogcal").path
    return try print(["stats", path]) + print(["stats", sample])
  }

  func conversion() throws -> [String] {
    try print(["convert", Self.checkpoint, "-o", folder.path("c.cogvlm")])
      + print(["quantize", Self.checkpoint, "-o", folder.path("q.cogvlm")])
      + print([
        "quantize", Self.checkpoint, "-o", folder.path("b.cogvlm"), "--target-bits", "5", "--calibration",
        SampleModel.calibration.get(),
      ])
  }

  func diff() throws -> [String] {
    func nine(_ value: UInt8) -> Data { Data([UInt8](repeating: value, count: 9)) }
    let nan = Data([0, 0, 0xC0, 0x7F])
    var (a, b) = (Safetensors(tensors: []), Safetensors(tensors: []))
    a.append("same", type: "F32", shape: [1], bytes: Data(count: 4))
    b.append("same", type: "F32", shape: [1], bytes: Data(count: 4))
    a.append("nan", type: "F32", shape: [1], bytes: nan)
    b.append("nan", type: "F32", shape: [1], bytes: Data(count: 4))
    a.append("bytes", type: "F8_E4M3", shape: [9], bytes: nine(1))
    b.append("bytes", type: "F8_E4M3", shape: [9], bytes: nine(2))
    a.append("shape", type: "U8", shape: [9], bytes: nine(1))
    b.append("shape", type: "U8", shape: [3, 3], bytes: nine(1))
    for (name, first, second) in [("one", UInt8(1), UInt8(2)), ("two", 2, 1)] {
      a.append(name, type: "U8", shape: [9], bytes: nine(first))
      b.append(name, type: "U8", shape: [9], bytes: nine(second))
    }
    a.append("only.a", type: "U8", shape: [9], bytes: nine(1))
    let paths = try [("a", a), ("b", b)].map { try folder.write($1.encoded(), as: "\($0).safetensors") }
    return try print(["diff", SampleModel.int4.get(), Self.checkpoint, "--layers", "0", "--fail-over", "0.5"])
      + print(["diff"] + paths) + print(["diff"] + paths + ["--fail-over", "0.5"], status: 1)
  }

  /// Questions about these videos.
  private func questions(_ videos: [String], name: String) throws -> String {
    let entries = videos.map {
      #"{"video":"\#($0)","task":"t","question":"What color is the circle?","answer":"x"}"#
    }
    return try folder.write("[\(entries.joined(separator: ","))]".utf8, as: name)
  }

  /// A folder of three damaged pictures, as options of `--video`.
  private func damagedVideo() throws -> [String] {
    let path = folder.path("damaged-\(UUID().uuidString)")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    for number in 0..<3 {
      try FileManager.default.copyItem(
        atPath: Fixtures.path("reports/stills/truncated-jpeg/0.jpg"), toPath: "\(path)/\(number).jpg")
    }
    return [path, "--fps", "1", "--tolerate-damage"]
  }

  func eval() throws -> [String] {
    let plain = try questions(["v22_h264.mp4"], name: "questions.json")
    let some = try questions(["none.mp4", "v22_h264.mp4"], name: "some.json")
    let damaged = try questions(["mjpeg_zero.avi"], name: "damaged.json")
    let model = try SampleModel.float.get()
    return try print([
      "eval", SampleModel.int4.get(), "--questions", plain, "--videos", Fixtures.path("sample/videos"),
    ])
      + print(
        ["eval", model, "--questions", some, "--videos", Fixtures.path("sample/videos")], status: 3)
      + print([
        "eval", model, "--questions", damaged, "--videos", Fixtures.path("reports/damage"),
        "--tolerate-damage",
      ])
  }

  func merge() throws -> [String] {
    let (run, model) = (folder.path("run"), try SampleModel.float.get())
    let list = try questions(["none.mp4", "v22_h264.mp4", "v20_hd.mp4"], name: "run.json")
    let command = ["eval", model, "--questions", list, "--videos", Fixtures.path("sample/videos"), "--run"]
    func ask(_ run: String, _ options: [String], status: Int32) throws {
      let outcome = try Command.run(command + [run] + options)
      try #require(outcome.status == status, "\(outcome.errors)")
    }
    try ask(run, ["--limit", "2"], status: 3)
    let some = try print(["merge", run, "--strict", "-o", folder.path("some.jsonl")], status: 3)
    // A line that is none, and another reply to the same.
    let parts = try FileManager.default.contentsOfDirectory(atPath: "\(run)/parts").map {
      "\(run)/parts/\($0)"
    }
    let lines = try String(contentsOfFile: #require(parts.first), encoding: .utf8)
    try ("x\n" + lines.replacing(/"reply":"[^"]*"/, with: #""reply":"other""#)).write(
      toFile: "\(run)/parts/part-other.jsonl", atomically: true, encoding: .utf8)
    try ask(run, [], status: 3)
    let captions = folder.path("captions")
    _ = try print(["caption", model, Self.video, "--run", captions, "--max-new-tokens", "4"])
    return try some + print(["merge", run, "-o", folder.path("all.jsonl")], status: 3)
      + print([
        "merge", captions, "--export", "jsonl", "-o", folder.path("export"), "--videos",
        Fixtures.path("sample/videos"),
      ])
  }

  func caption() throws -> [String] {
    let (model, list) = (try SampleModel.float.get(), folder.path("list.txt"))
    try "\(Self.video)\nnone.mp4\n".write(toFile: list, atomically: true, encoding: .utf8)
    let command = ["caption", model, "--max-new-tokens", "1", "--run"]
    return try print(command + [folder.path("whole"), list], status: 3)
      + print(command + [folder.path("pieces"), Self.video, "--split-seconds", "2"])
  }

  func score() throws -> [String] {
    let (run, model) = (folder.path("scored"), try SampleModel.float.get())
    let list = try questions(["none.mp4", "v22_h264.mp4", "mjpeg_zero.avi"], name: "scored.json")
    let videos = folder.path("scored-videos")
    try FileManager.default.createDirectory(atPath: videos, withIntermediateDirectories: false)
    for video in [Self.video, Fixtures.path("reports/damage/mjpeg_zero.avi")] {
      try FileManager.default.copyItem(
        atPath: video, toPath: "\(videos)/\(URL(filePath: video).lastPathComponent)")
    }
    let asked = try Command.run([
      "eval", model, "--questions", list, "--videos", videos, "--run", run, "--tolerate-damage",
    ])
    try #require(asked.status == 3, "\(asked.errors)")
    // A reply that says nothing.
    for name in try FileManager.default.contentsOfDirectory(atPath: "\(run)/parts") {
      try rewrite("\(run)/parts/\(name)") { data in
        let text = String(decoding: data, as: UTF8.self)
        return Data(text.replacing(/"reply":"[^"]*"/, with: #""reply":"""#, maxReplacements: 1).utf8)
      }
    }
    let times = try folder.write(
      """
      {"video": "v22_h264.mp4", "question": "When?", "gold": 1}
      {"video": "v22_h264.mp4", "question": "When?", "gold": [1, 2]}
      """.utf8, as: "times.jsonl")
    let timed = try Command.run([
      "eval", model, "--benchmark", "tqa", "--questions", times, "--videos", videos, "--run",
      folder.path("timed"), "--max-new-tokens", "2",
    ])
    try #require(timed.status == 0, "\(timed.errors)")
    return try print(["score", run], status: 3) + print(["score", folder.path("timed")])
  }

  func scorePair() throws -> [String] {
    let (run, model) = (folder.path("first"), try SampleModel.float.get())
    let list = try questions(["none.mp4", "v22_h264.mp4"], name: "pair.json")
    try Command.run([
      "eval", model, "--questions", list, "--videos", Fixtures.path("sample/videos"), "--run", run,
    ])
    let (first, second) = (folder.path("first.jsonl"), folder.path("second.jsonl"))
    for output in [first, second] { try Command.run(["merge", run, "-o", output]) }
    // Replies that are right.
    try rewrite(second) { data in
      let text = String(decoding: data, as: UTF8.self).replacing(
        /"reply":("[^"]*"|null)/, with: #""reply":"x""#)
      return Data(text.replacing(#""failed""#, with: #""ok""#).utf8)
    }
    return try print(["score", first, second], status: 3) + print(["score", second, second])
  }

  func frames() throws -> [String] {
    try ["chat", "base"].flatMap { template in
      try print(["frames", Self.video, "--template", template, "-o", folder.path(template)])
    } + print(["frames", "-o", folder.path("damaged")] + damagedVideo())
  }

  func inspect() throws -> [String] {
    let model = try SampleModel.float.get()
    let bundle = Fixtures.path("sample/references/v22_h264-direction.bf16.safetensors")
    return try print(["inspect", Self.checkpoint]) + print(["inspect", "--check", model])
      + print(["inspect", SampleModel.int4.get(), "--part", "language", "--layers", "0"])
      + print(["inspect", "--check", bundle])
      // Its tensors do not lie as they are.
      + print(["inspect", Fixtures.path("checkpoints/protocol2-deflated.pt")])
      + print(["inspect", "--check", damaged()], status: 1)
  }

  /// The folder of a checkpoint with one fault of each kind.
  private func damaged() throws -> String {
    var model = try Safetensors(folder: Fixtures.path("tiny/checkpoint"))
    func replace(_ name: String, _ change: (Safetensors.Tensor) -> Safetensors.Tensor) throws {
      let index = try #require(model.tensors.firstIndex { $0.name == name })
      model.tensors[index] = change(model.tensors[index])
    }
    try replace("model.norm.weight") { tensor in
      Safetensors.Tensor(
        name: tensor.name, type: tensor.type, shape: [1] + tensor.shape, bytes: tensor.bytes)
    }
    try replace("model.layers.0.input_layernorm.weight") { tensor in
      Safetensors.Tensor(name: tensor.name, type: "I16", shape: tensor.shape, bytes: tensor.bytes)
    }
    try replace("model.layers.1.input_layernorm.weight") { tensor in
      // NaN throughout.
      Safetensors.Tensor(
        name: tensor.name, type: tensor.type, shape: tensor.shape,
        bytes: Data([UInt8](repeating: 0xFF, count: tensor.bytes.count)))
    }
    try replace("model.layers.1.post_attention_layernorm.weight") { tensor in
      Safetensors.Tensor(
        name: tensor.name, type: tensor.type, shape: tensor.shape, bytes: Data(count: tensor.bytes.count))
    }
    model = model.removing("lm_head.weight")
    model.append(
      "model.layers.0.mlp.vision_mlp.gate_proj.weight", type: "BF16", shape: [1], bytes: Data(count: 2))
    let path = folder.path("damaged-\(UUID().uuidString)")
    try model.write(toFolder: path, with: "tiny/checkpoint")
    return path
  }

  func stats() throws -> [String] {
    var odd = Safetensors(tensors: [])
    odd.append("scalar", type: "F32", shape: [], bytes: Data(count: 4))
    odd.append(
      "model.layers.0.nan", type: "BF16", shape: [2, 2], bytes: Data([UInt8](repeating: 0xFF, count: 8)))
    odd.append("zeros", type: "F32", shape: [2, 64], bytes: Data(count: 512))
    odd.append("empty", type: "F32", shape: [0, 4], bytes: Data())
    let path = try folder.write(odd.encoded(), as: "odd.safetensors")
    return try print(["stats", path]) + print(["stats", Self.checkpoint, "--part", "adapter"])
      + print(["stats", SampleModel.int4.get(), "--layers", "0", "--name", "*.mlp.*"])
      + print(["stats", SampleModel.float.get(), "--activations", "--ask", "Hello?", "--part", "language"])
  }

  func tokenize() throws -> [String] {
    let model = try SampleModel.float.get()
    return try print(["tokenize", model], input: "\"hello\"\n\"\"\n", lines: true)
      + print(["tokenize", model, "--decode"], input: "[1, 2]\n[]\n", lines: true)
  }

  func verifyAgainst() throws -> [String] {
    let (float, int4) = try (SampleModel.float.get(), SampleModel.int4.get())
    let questions = Fixtures.path("sample/questions.json")
    return try print(["verify", int4, "--against", float, "--ask", "What?", "--video", Self.video])
      + print(["verify", int4, "--against", float, "--questions", questions, "--limit", "2"])
      // Two videos, and answers that flip: questions that do not fit a video have no sure answer.
      + print(
        [
          "verify", int4, "--against", float, "--questions", questions, "--only", "v0[12]*",
          "--every-question", "--profile", "exact",
        ], status: 1)
      + print(["verify", float, "--against", float, "--ask", "Hello?"])
      + print(["verify", float, "--against", float, "--ask", "What?", "--video"] + damagedVideo())
      + print(
        [
          "verify", float, "--against", float, "--questions",
          self.questions(["none.mp4", "v22_h264.mp4"], name: "against.json"), "--videos",
          Fixtures.path("sample/videos"),
        ], status: 3)
      + print(
        ["verify", float, "--against", int4, "--profile", "exact", "--isolated", "1e-9", "--ask", "Hello?"],
        status: 1)
  }

  func verify() throws -> [String] {
    let bundle = Fixtures.path("sample/references/v22_h264-direction.f32.safetensors")
    let rounded = Fixtures.path("sample/references/v22_h264-direction.bf16.safetensors")
    let tiny = Fixtures.path("tiny/references")
    let unreadable = try folder.write(Data(contentsOf: URL(filePath: bundle)), as: "odd.f32.safetensors")
    _ = try folder.write("no frames".utf8, as: "odd.frames.safetensors")
    let output = folder.path("tiny.cogvlm")
    try #require(Command.run(["convert", Fixtures.path("tiny/checkpoint"), "-o", output]).status == 0)
    let others = try FileManager.default.contentsOfDirectory(atPath: tiny).filter {
      $0.hasSuffix(".bf16.safetensors")
    }
    return try print(["verify", SampleModel.float.get(), "--reference", bundle])
      // Other frames than the reference's.
      + print(
        ["verify", SampleModel.float.get(), "--reference", bundle, "--video"] + damagedVideo(), status: 1)
      + print(["verify", output, "--reference"] + others.map { "\(tiny)/\($0)" })
      + print(["verify", SampleModel.int4.get(), "--reference", bundle])
      // Held to more than PyTorch kept: a layer is named.
      + print(
        [
          "verify", SampleModel.float.get(), "--mode", "float32", "--profile", "float32", "--reference",
          rounded,
        ], status: 1)
      + print(["verify", SampleModel.float.get(), "--reference", bundle, unreadable], status: 3)
  }
}
