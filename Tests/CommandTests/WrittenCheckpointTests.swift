import CogTestSupport
import Foundation
import Testing

/// `cogvlm convert --to safetensors`: checkpoints that others read.
@Suite struct WrittenCheckpointTests {
  private let folder: TemporaryFolder
  private static let source = Fixtures.path("tiny/checkpoint")

  init() throws { folder = try TemporaryFolder() }

  private func convert(_ source: String, _ name: String, _ options: [String] = []) throws -> String {
    let outcome = try Command.run(
      ["convert", source, "--to", "safetensors", "-o", folder.path(name)] + options)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return folder.path(name)
  }

  private func quantized() throws -> String {
    let path = folder.path("model.cogvlm")
    try #require(Command.run(["quantize", Self.source, "-o", path]).status == 0)
    return path
  }

  /// The measures of all tensors together.
  private func difference(_ a: String, _ b: String) throws -> [String: Any] {
    let document = try Command.run(["diff", a, b, "--json"]).json()
    return try #require(document["total"] as? [String: Any])
  }

  @Test("Shards, index, configuration and tokenizer lie in a new folder; the tensors are the source's")
  func shards() throws {
    let path = try convert(Self.source, "out", ["--shard-size", "1MB"])
    let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    let shards = names.filter { $0.hasSuffix(".safetensors") }
    #expect(shards.count > 2 && shards[0] == "model-00001-of-0000\(shards.count).safetensors")
    #expect(
      names.filter { !shards.contains($0) }
        == ["config.json", "model.safetensors.index.json", "tokenizer.json"])
    for name in ["config.json", "tokenizer.json"] {
      #expect(
        FileManager.default.contentsEqual(atPath: "\(path)/\(name)", andPath: "\(Self.source)/\(name)"))
    }
    let total = try difference(path, Self.source)
    #expect(total["identicalCount"] as? Int == total["tensorCount"] as? Int)
    #expect(try Command.run(["inspect", "--check", path]).status == 0)
  }

  @Test("A quantized file's values are exact in F32 and rounded in BF16, the default")
  func expansion() throws {
    let model = try quantized()
    let exact = try difference(convert(model, "f32", ["--dtype", "f32"]), model)
    #expect(exact["relativeL2"] as? Double == 0)
    let rounded = try difference(convert(model, "bf16"), model)
    let error = try #require(rounded["relativeL2"] as? Double)
    #expect(error > 0 && error < 0.004)
    let again = folder.path("again.cogvlm")
    #expect(try Command.run(["convert", folder.path("bf16"), "-o", again]).status == 0)
    // Its own tokenizer.json makes the same tokenizer.
    for text in ["Hello world", "<|begin_of_text|>naïve café\n\n 12345"] {
      #expect(
        try Command.run(["tokenize", again, text]).output == Command.run(["tokenize", model, text]).output)
    }
    // A native file of quantized values is made where a type is asked for.
    try expectRefusal(
      ["convert", model, "-o", folder.path("x")], naming: model, saying: "convert --dtype bf16", in: folder)
  }

  @Test(
    "The safetensors library reads the tensors to the bit",
    .enabled(if: Python.hasSafetensors, "needs python3 with safetensors and numpy"))
  func library() throws {
    let path = try convert(Self.source, "out", ["--shard-size", "1MB", "--dtype", "f32"])
    let native = folder.path("out.cogvlm")
    try #require(Command.run(["convert", Self.source, "-o", native, "--dtype", "f32"]).status == 0)
    let check = try Python.run([
      "-c",
      """
      import glob, json, sys
      import numpy, read_native
      from safetensors import safe_open
      index = json.load(open(sys.argv[1] + "/model.safetensors.index.json"))["weight_map"]
      native = read_native.open_native(sys.argv[2])
      seen = 0
      for file in sorted(glob.glob(sys.argv[1] + "/*.safetensors")):
          with safe_open(file, framework="np") as shard:
              assert shard.metadata() == {"format": "pt"}
              for name in shard.keys():
                  assert file.endswith("/" + index[name]), name
                  seen += 1
                  if shard.get_slice(name).get_dtype() != "F32":
                      continue
                  assert shard.get_tensor(name).tobytes() == native.values(name).tobytes(), name
      assert seen == len(native.tensors) == len(index)
      """, path, native,
    ])
    #expect(check.status == 0, "\(check.errors)")
  }

  @Test(
    "The tokenizers package makes the same ids with a tokenizer.json that was made anew",
    .enabled(if: Python.hasTokenizers, "needs python3 with tokenizers"))
  func tokenizers() throws {
    let path = try convert(quantized(), "out")
    let check = try Python.run([
      "-c",
      """
      import random, sys
      from tokenizers import Tokenizer
      old, new = (Tokenizer.from_file(folder + "/tokenizer.json") for folder in sys.argv[1:])
      assert old.get_vocab() == new.get_vocab()
      numbers = random.Random(1)
      for _ in range(500):
          text = "".join(chr(numbers.choice((numbers.randrange(32, 127), numbers.randrange(160, 12000), 10)))
                         for _ in range(60)) + "<|end_of_text|>"
          ids = [tokenizer.encode(text, add_special_tokens=False).ids for tokenizer in (old, new)]
          assert ids[0] == ids[1], text
          assert old.decode(ids[0]) == new.decode(ids[0]), text
      """, Self.source, path,
    ])
    #expect(check.status == 0, "\(check.errors)")
  }
}
