import CogBase
import CogTestSupport
import Crypto
import Foundation
import Testing

/// What a broken download leaves is told, and only that (report 2 of ../shared/reports/REPORTS.md).
@Suite("Zeros where weights should be (report 2)")
struct ZerosTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.path("checkpoint/\(name)") }

  /// The tiny checkpoint with zeros from the middle of its second shard on.
  private func halfEmpty() throws -> String {
    let checkpoint = try folder.copy("tiny/checkpoint", as: "checkpoint")
    try rewrite(path("model-00002-of-00003.safetensors")) { file in
      file.prefix(file.count / 2) + Data(count: file.count - file.count / 2)
    }
    return checkpoint
  }

  /// The tiny checkpoint in one file with some bytes of a tensor zero.
  private func emptying(_ tensors: [String: Range<Int>?]) throws -> String {
    var model = try Safetensors(folder: Fixtures.path("tiny/checkpoint"))
    for (name, range) in tensors {
      model = try model.changing(name) { bytes, _ in
        let hole = range ?? 0..<bytes.count
        bytes.replaceSubrange(
          bytes.startIndex + hole.lowerBound..<bytes.startIndex + hole.upperBound,
          with: Data(count: hole.count))
      }
    }
    try? FileManager.default.removeItem(atPath: folder.path("checkpoint"))
    try model.write(toFolder: folder.path("checkpoint"), with: "tiny/checkpoint")
    return folder.path("checkpoint")
  }

  @Test("inspect --check names tensors and bytes, and exits with 1")
  func inspect() throws {
    let checkpoint = try halfEmpty()
    let outcome = try Command.run(["inspect", "--check", checkpoint])
    #expect(outcome.status == 1, "\(outcome.errors)")
    #expect(outcome.output.contains("\nDamage\n"))
    let document = try Command.run(["inspect", "--check", "--json", checkpoint]).json()
    let zeros = try #require(document["zeros"] as? [[String: Any]])
    let names = zeros.compactMap { $0["name"] as? String }
    #expect(
      names.contains { $0.hasSuffix("layernorm.weight") } && names.contains { $0.hasSuffix("inv_freq") })
    #expect(names.contains { $0.hasSuffix("mlp.fc1.weight") } && names.count > 15)
    for tensor in zeros {
      let (name, problem) = (tensor["name"] as? String ?? "", tensor["problem"] as? String ?? "")
      #expect(problem.contains("of model-00002-of-00003.safetensors"), "\(name)")
      #expect(outcome.output.contains("  \(name): \(problem)\n"), "\(name)")
    }
    let whole = try Command.run(["inspect", "--check", "--json", Fixtures.path("tiny/checkpoint")]).json()
    #expect((whole["zeros"] as? [Any])?.isEmpty == true)
    let unread = try Command.run(["inspect", "--json", checkpoint]).json()
    #expect(unread["zeros"] == nil)
  }

  @Test("quantize refuses unless --allow-zeros is given; convert warns; nothing else changes")
  func conversions() throws {
    let checkpoint = try halfEmpty()
    let out = folder.path("out.cogvlm")
    try expectRefusal(
      ["quantize", checkpoint, "-o", out], naming: path("model-00002-of-00003.safetensors"),
      saying: "--allow-zeros", in: folder)
    for arguments in [
      ["quantize", checkpoint, "--allow-zeros"], ["convert", checkpoint],
      ["convert", checkpoint, "--dtype", "f32"],
    ] {
      let outcome = try Command.run(arguments + ["-o", out])
      #expect(outcome.status == 0, "\(outcome.errors)")
      let warnings = outcome.errors.split(separator: "\n")
      #expect(warnings.count > 15 && warnings.allSatisfy { $0.contains("bytes are zeros where weights") })
      #expect(warnings.contains { $0.hasPrefix("warning: model.layers.") && $0.contains("inv_freq") })
      #expect(try Command.run(["inspect", "--check", out]).status == 1)
    }
    // The safetensors copy of it is no better.
    let copy = folder.path("copy")
    #expect(try Command.run(["convert", checkpoint, "--to", "safetensors", "-o", copy]).status == 0)
    try expectRefusal(["quantize", copy, "-o", folder.path("x")], naming: copy, saying: "zeros", in: folder)
  }

  @Test("what goes on with --resume tells the same, and refuses where it is no longer allowed")
  func resume() throws {
    let checkpoint = try halfEmpty()
    let whole = try Command.run(["convert", checkpoint, "-o", folder.path("whole.cogvlm")])
    let again = try Command.run(["convert", checkpoint, "-o", folder.path("whole.cogvlm"), "--resume"])
    #expect(whole.errors == again.errors && whole.status == 0)
  }

  @Test("zeros that models have are noted by inspect, and stop nothing")
  func noted() throws {
    // Token 4096 of the tiny tokenizer and those behind it are added ones.
    let embedding = "model.embed_tokens.weight"
    let source = try Safetensors(folder: Fixtures.path("tiny/checkpoint"))
    let table = try #require(source.tensors.first { $0.name == embedding })
    let rowBytes = table.shape[1] * 2
    let rows = table.shape[0]
    let added = (rows - 64) * rowBytes..<rows * rowBytes
    try #require(added.count >= 4096)
    var tensors: [String: Range<Int>?] = [embedding: added, "lm_head.weight": added]
    for name in source.tensors.map(\.name) where name.hasSuffix(".bias") || name.hasSuffix(".boi") {
      tensors[name] = .some(nil)
    }
    let checkpoint = try emptying(tensors)
    let outcome = try Command.run(["inspect", "--check", checkpoint])
    #expect(outcome.status == 0, "\(outcome.output.suffix(500)) \(outcome.errors)")
    #expect(outcome.output.contains("note: \(embedding): 64 rows are zeros"))
    let quantized = try Command.run(["quantize", checkpoint, "-o", folder.path("out.cogvlm")])
    #expect(quantized.status == 0 && quantized.errors == "", "\(quantized.errors)")
    // Rows of other tokens are no such zeros.
    let damaged = try emptying([embedding: 64 * rowBytes..<(64 * rowBytes + added.count)])
    #expect(try Command.run(["inspect", "--check", damaged]).status == 1)
  }

  // MARK: Checksums of the download

  private func record(_ name: String, _ etag: String, at time: Double) throws {
    let records = path(".cache/huggingface/download")
    try FileManager.default.createDirectory(atPath: records, withIntermediateDirectories: true)
    try Data("0123456789abcdef0123456789abcdef01234567\n\(etag)\n\(time)\n".utf8)
      .write(to: URL(filePath: "\(records)/\(name).metadata"))
  }

  private func recordAll() throws -> String {
    let checkpoint = try folder.copy("tiny/checkpoint", as: "checkpoint")
    let later = Date().timeIntervalSince1970 + 60
    for name in try FileManager.default.contentsOfDirectory(atPath: checkpoint) where !name.hasPrefix(".") {
      let bytes = try Data(contentsOf: URL(filePath: path(name)))
      let etag =
        name.hasSuffix(".safetensors")
        ? SHA256.hash(data: bytes).hexadecimal
        : Insecure.SHA1.hash(data: Data("blob \(bytes.count)\0".utf8) + bytes).hexadecimal
      try record(name, etag, at: later)
    }
    return checkpoint
  }

  @Test("the checksums that a download left are compared: one that differs is status 2, with the file")
  func download() throws {
    let checkpoint = try recordAll()
    let good = try Command.run(["inspect", "--check", checkpoint])
    #expect(good.status == 0, "\(good.errors)")
    #expect(good.output.contains("note: 6 files have the checksums of their download"))
    // One bit of a weight: nothing else can tell.
    let shard = path("model-00003-of-00003.safetensors")
    try rewrite(shard) { flipping(bit: 0, ofByte: $0.count - 1000, in: $0) }
    let bad = try Command.run(["inspect", "--check", checkpoint])
    #expect(bad.status == 2 && bad.errors.contains(shard), "\(bad.errors)")
    #expect(bad.errors.contains("the file is not the one that was downloaded: expected SHA-256 "))
    #expect(bad.output.contains("all 77 tensors of the model are there"))
  }

  @Test("settings that were changed later are noted; records of other forms are passed over")
  func outdated() throws {
    let checkpoint = try recordAll()
    try rewrite(path("config.json")) { $0 + Data("\n".utf8) }
    try expectStatus(2, checkpoint)
    try record("config.json", String(repeating: "0", count: 40), at: 1000)
    let outcome = try expectStatus(0, checkpoint)
    #expect(outcome.output.contains("config.json: was changed after its download"))
    for etag in ["", "W/\"123\"", String(repeating: "x", count: 64), String(repeating: "0", count: 63)] {
      try record("config.json", etag, at: 1000)
      #expect(try expectStatus(0, checkpoint).output.contains("note: 5 files have the checksums"))
    }
  }

  @Test("a file of the shared cache is compared with the name of the blob that it is a link to")
  func sharedCache() throws {
    let checkpoint = try folder.copy("tiny/checkpoint", as: "checkpoint")
    let name = "model-00001-of-00003.safetensors"
    let bytes = try Data(contentsOf: URL(filePath: path(name)))
    for (blob, status) in [(SHA256.hash(data: bytes).hexadecimal, 0), (String(repeating: "0", count: 64), 2)]
    {
      try FileManager.default.createDirectory(
        atPath: folder.path("blobs"), withIntermediateDirectories: true)
      try bytes.write(to: folder.url.appending(path: "blobs/\(blob)"))
      try FileManager.default.removeItem(atPath: path(name))
      try FileManager.default.createSymbolicLink(
        atPath: path(name), withDestinationPath: "../blobs/\(blob)")
      try expectStatus(Int32(status), checkpoint)
    }
  }

  @discardableResult
  private func expectStatus(_ status: Int32, _ checkpoint: String) throws -> Program.Outcome {
    let outcome = try Command.run(["inspect", "--check", checkpoint])
    #expect(outcome.status == status, "\(outcome.errors)")
    return outcome
  }
}
