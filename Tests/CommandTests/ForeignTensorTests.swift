import CogTestSupport
import Foundation
import Testing

/// Tensors that the model does not have, and names with something in front.
@Suite struct ForeignTensorTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ checkpoint: Safetensors, _ name: String = "source") throws -> String {
    try checkpoint.write(toFolder: folder.path(name), with: "tiny/checkpoint")
    return folder.path(name)
  }

  private func tiny() throws -> Safetensors { try Safetensors(folder: Fixtures.path("tiny/checkpoint")) }

  @Test("--allow-extra leaves tensors out that the model does not have, and says which")
  func extra() throws {
    var checkpoint = try tiny()
    let plain = try write(checkpoint, "plain")
    for index in 0..<5 {
      checkpoint.append("model.surplus.\(index)", type: "BF16", shape: [2], bytes: Data(count: 4))
    }
    let source = try write(checkpoint)
    let out = folder.path("out.cogvlm")
    for command in ["convert", "quantize"] {
      try expectRefusal([command, source, "-o", out], naming: source, saying: "--allow-extra", in: folder)
      let outcome = try Command.run([command, source, "-o", out, "--allow-extra"])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(
        outcome.errors
          == "warning: 5 tensors that the model does not have were left out: model.surplus.0, "
          + "model.surplus.1, model.surplus.2 and 2 more.\n")
      // The tensors are those of the plain checkpoint.
      let other = folder.path("plain.cogvlm")
      try #require(Command.run([command, plain, "-o", other]).status == 0)
      let total = try Command.run(["diff", out, other, "--json"]).json()["total"] as? [String: Any]
      #expect(total?["identicalCount"] as? Int == 77)
    }
    #expect(try Command.run(["inspect", "--check", source]).status == 1)
    #expect(try Command.run(["inspect", "--check", source, "--allow-extra"]).status == 0)
    // Nothing else is allowed with it.
    let incomplete = try write(checkpoint.removing("model.norm.weight"), "incomplete")
    try expectRefusal(
      ["convert", incomplete, "-o", folder.path("x"), "--allow-extra"], naming: incomplete,
      saying: "1 missing: model.norm.weight", in: folder)
    #expect(try Command.run(["inspect", "--check", incomplete, "--allow-extra"]).status == 1)
  }

  @Test(
    "names with something in front of all of them are told as such",
    arguments: ["module.", "_orig_mod.", "base_model.model."])
  func prefixed(_ prefix: String) throws {
    let checkpoint = Safetensors(
      tensors: try tiny().tensors.map {
        .init(name: prefix + $0.name, type: $0.type, shape: $0.shape, bytes: $0.bytes)
      })
    let source = try write(checkpoint)
    let hint = "the names begin with \"\(prefix)\""
    try expectRefusal(
      ["quantize", source, "-o", folder.path("x")], naming: source, saying: hint, in: folder)
    let outcome = try Command.run(["inspect", "--check", source])
    #expect(outcome.status == 1 && outcome.output.contains(hint))
  }

  @Test("so are names that lack what stands in front of the model's")
  func shortened() throws {
    let checkpoint = Safetensors(
      tensors: try tiny().tensors.map {
        let name = $0.name.hasPrefix("model.") ? String($0.name.dropFirst(6)) : $0.name
        return .init(name: name, type: $0.type, shape: $0.shape, bytes: $0.bytes)
      })
    let source = try write(checkpoint)
    try expectRefusal(
      ["quantize", source, "-o", folder.path("x")], naming: source,
      saying: "the names lack \"model.\" in front", in: folder)
    let missing = try write(tiny().removing("model.norm.weight"), "missing")
    let outcome = try Command.run(["inspect", "--check", missing])
    #expect(!outcome.output.contains("in front"))
  }
}
