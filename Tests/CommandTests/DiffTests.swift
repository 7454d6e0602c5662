import CogTestSupport
import Foundation
import Testing

/// `cogvlm diff` beside numpy and beside what `quantize` says it lost.
@Suite struct DiffTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func quantize(_ source: String, _ options: [String] = []) throws -> (
    path: String, summary: [String: Any]
  ) {
    let path = folder.path("\(UUID().uuidString).cogvlm")
    let outcome = try Command.run(["quantize", source, "-o", path, "--json"] + options)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return (path, try outcome.json())
  }

  private func diff(_ a: String, _ b: String, _ options: [String] = []) throws -> [String: Any] {
    let outcome = try Command.run(["diff", "--json", a, b] + options)
    #expect(outcome.status == 0 && outcome.errors == "", "\(outcome.errors)")
    return try outcome.json()
  }

  private func tensors(_ report: [String: Any]) throws -> [String: [String: Any]] {
    let list = try #require(report["tensors"] as? [[String: Any]])
    return Dictionary(list.map { ($0["name"] as? String ?? "", $0) }) { first, _ in first }
  }

  @Test(
    "Every measure of quantized against BF16 weights is numpy's",
    .enabled(if: Python.hasNumpy, "needs python3 with numpy"),
    arguments: [("sample/checkpoint", "int4"), ("tiny/checkpoint", "int4-fine"), ("tiny/checkpoint", "int8")])
  func equalsNumpy(_ fixture: String, _ preset: String) throws {
    let source = Fixtures.path(fixture)
    let model = try quantize(source, ["--preset", preset]).path
    let found = try tensors(diff(model, source))
    let numpy = try Python.run([StatsTests.oracle, "diff", model, source])
    try #require(numpy.status == 0, "\(numpy.errors)")
    let expected = try #require(try numpy.json() as? [String: [String: Any]])
    #expect(found.count == expected.count && found.values.contains { $0["isIdentical"] as? Bool == false })
    for (name, tensor) in found {
      let other = try #require(expected[name])
      #expect(tensor["isIdentical"] as? Bool == other["identical"] as? Bool, "\(name)")
      #expect(tensor["maxAbs"] as? Double == other["maxAbs"] as? Double, "\(name)")
      for key in ["relativeL2", "cosine"] {
        let (a, b) = (tensor[key] as? Double ?? .nan, other[key] as? Double ?? .nan)
        #expect(abs(a - b) <= 1e-9 * b, "\(name) \(key)")
      }
      guard let worst = tensor["worstGroup"] as? [String: Any] else {
        #expect(tensor["isIdentical"] as? Bool == true, "\(name)")
        continue
      }
      let sqnr = (tensor["sqnr"] as? Double ?? 0) - (other["sqnr"] as? Double ?? 1)
      #expect(abs(sqnr) < 1e-6, "\(name)")
      let otherWorst = try #require(other["worstGroup"] as? [String: Any])
      #expect(worst["row"] as? Int == otherWorst["row"] as? Int, "\(name)")
      #expect(worst["group"] as? Int == otherWorst["group"] as? Int, "\(name)")
    }
  }

  @Test(
    "What quantize recorded about each tensor's error is what diff finds",
    arguments: ["int4", "int8", "int4-small"])
  func agreesWithQuantize(_ preset: String) throws {
    let source = Fixtures.path("sample/checkpoint")
    let (model, summary) = try quantize(source, ["--preset", preset])
    let found = try tensors(diff(model, source))
    let stored = try #require(summary["tensors"] as? [[String: Any]]).filter {
      $0["isQuantized"] as? Bool == true
    }
    #expect(stored.count > 20)
    for tensor in stored {
      let name = try #require(tensor["name"] as? String)
      let error = try #require(tensor["error"] as? [String: Any])
      let other = try #require(found[name])
      let worst = try #require(other["worstGroup"] as? [String: Any])
      func close(_ a: Any?, _ b: Any?) -> Bool {
        guard let a = a as? Double, let b = b as? Double else { return false }
        return abs(a - b) <= 1e-6 * abs(b)
      }
      #expect(
        close(other["relativeL2"], error["relativeRMS"]) && close(other["sqnr"], error["sqnr"]), "\(name)")
      #expect(close(worst["relativeL2"], error["worstGroup"]), "\(name)")
      #expect(worst["row"] as? Int == error["worstRow"] as? Int, "\(name)")
      #expect(worst["group"] as? Int == error["worstGroupIndex"] as? Int, "\(name)")
    }
  }

  @Test("Any two of safetensors, PyTorch and native files of the same weights are identical")
  func identical() throws {
    let sources = [
      Fixtures.path("tiny/checkpoint"), Fixtures.path("tiny/checkpoint-bin"), folder.path("tiny.cogvlm"),
    ]
    try #require(try Command.run(["convert", sources[0], "-o", sources[2]]).status == 0)
    for (a, b) in [(0, 1), (1, 2), (2, 0)] {
      let report = try diff(sources[a], sources[b], ["--fail-over", "0"])
      #expect(report["passed"] as? Bool == true)
      let total = try #require(report["total"] as? [String: Any])
      #expect(
        total["identicalCount"] as? Int == total["tensorCount"] as? Int && total["tensorCount"] as? Int == 77)
    }
  }

  @Test(
    "--fail-over leaves with 1 above the limit and for missing tensors, and names the tensor that was changed"
  )
  func failOver() throws {
    let source = Fixtures.path("tiny/checkpoint")
    let name = "model.layers.1.mlp.language_mlp.down_proj.weight"
    let tensors = try Safetensors(folder: source)
    // A row of the weight is set to zeros.
    let changed = try tensors.changing(name) { bytes, shape in
      let width = bytes.count / shape[0]
      bytes.replaceSubrange(width * 5..<width * 6, with: Data(count: width))
    }
    try changed.write(toFolder: folder.path("changed"), with: "tiny/checkpoint")
    let plain = try Command.run(["diff", folder.path("changed"), source])
    #expect(plain.status == 0 && plain.output.contains(name) && !plain.output.contains("FAILED"))
    let failed = try Command.run(["diff", folder.path("changed"), source, "--fail-over", "0.05"])
    #expect(failed.status == 1 && failed.errors == "")
    #expect(failed.output.contains("FAILED  tensors: 1 over 0.05"))
    #expect(failed.output.contains("1.000e+00 row 5, columns 0-63"))
    #expect(try Command.run(["diff", folder.path("changed"), source, "--fail-over", "0.9"]).status == 0)
    #expect(
      try Command.run(["diff", folder.path("changed"), source, "--fail-over", "0", "--part", "vision"]).status
        == 0)
    try tensors.removing(name).write(toFolder: folder.path("missing"), with: "tiny/checkpoint")
    for pair in [[folder.path("missing"), source], [source, folder.path("missing")]] {
      let outcome = try Command.run(["diff"] + pair + ["--fail-over", "1"])
      #expect(outcome.status == 1 && outcome.output.contains("FAILED  tensors: 1 missing"))
      let csv = try Command.run(["diff", "--csv"] + pair).output
      #expect(csv.contains("missingIn") && csv.contains(name))
    }
  }

  @Test("Bad input of stats and diff leaves with 2 and names the file", arguments: Damage.ofContent)
  func badInput(_ damage: Damage) throws {
    let good = Fixtures.path("tiny/checkpoint/model-00001-of-00003.safetensors")
    let bad = try folder.write(
      damage.applied(to: Data(contentsOf: URL(filePath: good))), as: "bad.safetensors")
    try expectRefusal(["stats", bad], naming: bad, in: folder)
    try expectRefusal(["diff", bad, good], naming: bad, in: folder)
    try expectRefusal(["diff", good, bad], naming: bad, in: folder)
    #expect(try Command.run(["stats", good]).status == 0)
  }

  @Test("Wrong usage of stats and diff leaves with 64, and filters that fit nothing with 2")
  func usage() throws {
    let source = Fixtures.path("tiny/checkpoint")
    for arguments in [
      ["stats", source, "--json", "--csv"], ["stats", source, "--layers", "3-1"],
      ["stats", source, "--ask", "x"],
      ["stats", source, "--activations"], ["diff", source], ["diff", source, source, "--fail-over", "-1"],
    ] { #expect(try Command.run(arguments).status == 64, "\(arguments)") }
    try expectRefusal(
      ["stats", source, "--name", "nothing"], naming: source, saying: "--name nothing", in: folder)
    try expectRefusal(["diff", source, source, "--layers", "99"], naming: source, in: folder)
    try expectRefusal(["stats", source, "--activations", "--ask", "x"], naming: source, in: folder)
  }
}
