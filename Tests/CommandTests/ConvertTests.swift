import CogTestSupport
import Foundation
import Testing

/// `cogvlm convert`: the same tensors from every form of checkpoint, read back by the reader in Python.
@Suite struct ConvertTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func convert(_ source: String, _ name: String, _ options: [String] = []) throws -> String {
    let outcome = try Command.run(["convert", source, "-o", folder.path(name)] + options)
    try #require(outcome.status == 0, "\(outcome.errors)")
    // Some weights are too small for F16, which is said.
    if !options.contains("f16") { #expect(outcome.errors == "") }
    return folder.path(name)
  }

  @Test(
    "safetensors and PyTorch files give the same tensors",
    .enabled(if: Python.hasNumpy, "needs python3 with numpy"))
  func sameTensors() throws {
    let first = try convert(Fixtures.path("tiny/checkpoint"), "safetensors.cogvlm")
    let second = try convert(Fixtures.path("tiny/checkpoint-bin"), "torch.cogvlm")
    for path in [first, second] {
      let check = try Python.run(["\(Python.tools)/read_native.py", path, "--check"])
      #expect(check.status == 0, "\(check.errors)")
    }
    let comparison = try Python.run([
      "-c",
      """
      import sys
      sys.path.insert(0, sys.argv[1])
      import numpy, read_native
      a, b = (read_native.open_native(path) for path in sys.argv[2:4])
      names = [tensor.name for tensor in a.tensors]
      assert names and names == [tensor.name for tensor in b.tensors], "names"
      for x, y in zip(a.tensors, b.tensors):
          assert x.checksum == y.checksum and x.encoding == y.encoding, x.name
          assert numpy.array_equal(a.values(x.name), b.values(x.name)), x.name
      print(len(names))
      """, Python.tools, first, second,
    ])
    #expect(comparison.status == 0, "\(comparison.errors)")
    #expect((Int(comparison.output.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0) > 50)
  }

  @Test(
    "The same source gives the same bytes, through the folder, the index and a native file of its own type")
  func deterministic() throws {
    let source = Fixtures.path("sample/checkpoint")
    let bytes = try Data(contentsOf: URL(filePath: convert(source, "a.cogvlm")))
    #expect(
      try Data(contentsOf: URL(filePath: convert("\(source)/model.safetensors.index.json", "b.cogvlm")))
        == bytes)
    #expect(try Data(contentsOf: URL(filePath: convert(folder.path("a.cogvlm"), "c.cogvlm"))) == bytes)
    #expect(try folder.contents() == ["a.cogvlm", "b.cogvlm", "c.cogvlm"])
  }

  @Test("The type is the one asked for", arguments: ["bf16": "BF16", "f16": "F16", "f32": "F32"])
  func types(_ option: String, _ label: String) throws {
    let path = try convert(Fixtures.path("tiny/checkpoint"), "out.cogvlm", ["--dtype", option])
    let document = try Command.run(["inspect", path, "--json", "--check"]).json()
    let tensors = try #require(document["tensors"] as? [[String: Any]])
    let others = tensors.filter { $0["type"] as? String != label }
    // The rotary frequencies always keep the source's type.
    #expect(others.allSatisfy { ($0["name"] as? String)?.hasSuffix("rotary_emb.inv_freq") == true })
    #expect(others.count < tensors.count / 2)
  }

  @Test("inspect --check passes on what convert and quantize make")
  func inspection() throws {
    for model in [try SampleModel.float.get(), try SampleModel.int4.get()] {
      let outcome = try Command.run(["inspect", "--check", model])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.errors == "")
      #expect(outcome.output.contains("all 97 tensors of the model are there"))
    }
  }

  @Test("The output may not be the source, a folder, or in a folder that is not there")
  func output() throws {
    let native = try convert(Fixtures.path("tiny/checkpoint"), "source.cogvlm")
    try expectRefusal(
      ["convert", native, "-o", native], naming: native, saying: "one of the files", in: folder)
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("link.cogvlm"), withDestinationPath: native)
    try expectRefusal(
      ["quantize", native, "-o", folder.path("link.cogvlm")], naming: "link.cogvlm",
      saying: "one of the files", in: folder)
    let copy = try folder.copy("tiny/checkpoint")
    for name in try FileManager.default.contentsOfDirectory(atPath: copy)
    where !name.hasPrefix("tokenizer_config") {
      try expectRefusal(
        ["convert", copy, "-o", "\(copy)/\(name)"], naming: name, saying: "one of the files", in: folder)
    }
    try expectRefusal(["convert", copy, "-o", ""], naming: "output", saying: "no name", in: folder)
    try expectRefusal(["convert", copy, "-o", copy], naming: copy, saying: "folder", in: folder)
    let pipe = folder.path("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    try expectRefusal(["convert", copy, "-o", pipe], naming: pipe, saying: "device", in: folder)
    try expectRefusal(
      ["convert", copy, "-o", folder.path("none/out.cogvlm")], naming: folder.path("none/out.cogvlm"),
      saying: "there is no folder to write it to", in: folder)
    try expectRefusal(
      ["convert", copy, "-o", "/proc/out.cogvlm"], naming: "/proc/out.cogvlm", in: folder)
  }

  @Test("An output that is there stays as it is when the conversion fails, and is replaced when it does not")
  func replacement() throws {
    let output = try folder.write("before".utf8, as: "out.cogvlm")
    let source = try folder.copy("tiny/checkpoint-bin")
    let shard = "\(source)/pytorch_model-00001-of-00002.bin"
    try rewrite(shard) { flipping(bit: 4, ofByte: $0.count / 2, in: $0) }
    try expectRefusal(["convert", source, "-o", output], naming: shard, in: folder)
    #expect(try Data(contentsOf: URL(filePath: output)) == Data("before".utf8))
    _ = try convert(Fixtures.path("tiny/checkpoint"), "out.cogvlm")
    #expect(try Command.run(["inspect", "--check", output]).status == 0)
  }
}
