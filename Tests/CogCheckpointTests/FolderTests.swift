import CogBase
import CogCheckpoint
import CogTestSupport
import Glibc
import Testing

@Suite struct FolderTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private var path: String { folder.url.path }

  private func write(_ tensors: [String], as name: String) throws {
    _ = try folder.write(SafetensorsBuilder.zeros(tensors.map { ($0, [2, 2]) }), as: name)
  }

  @discardableResult
  private func writeIndex(_ map: [(String, String)], as name: String = "model.safetensors.index.json") throws
    -> String
  {
    let entries = map.map { "\"\($0)\": \"\($1)\"" }.joined(separator: ", ")
    return try folder.write(
      Array("{\"metadata\": {\"total_size\": 1}, \"weight_map\": {\(entries)}}".utf8), as: name)
  }

  private func writeTwoShards() throws -> String {
    try write(["a", "b"], as: "model-00001-of-00002.safetensors")
    try write(["c"], as: "model-00002-of-00002.safetensors")
    return try writeIndex([
      ("c", "model-00002-of-00002.safetensors"), ("b", "model-00001-of-00002.safetensors"),
      ("a", "model-00001-of-00002.safetensors"),
    ])
  }

  private func refuse(_ fragments: String, sourceLocation: SourceLocation = #_sourceLocation) {
    expectRefusal(fragments, sourceLocation: sourceLocation) { _ = try Checkpoints.open(path: path) }
  }

  @Test("Shards are joined file by file, by folder and by index")
  func joinsShards() throws {
    let index = try writeTwoShards()
    for path in [path, path + "/", index] {
      let source = try Checkpoints.open(path: path)
      #expect(source.path == path)
      #expect(source.entries.map(\.name) == ["a", "b", "c"])
      #expect(
        source.files.map { $0.suffix(20) } == [
          "0001-of-00002.safetensors".suffix(20), "0002-of-00002.safetensors".suffix(20),
        ])
      try readAll(source)
      expectRefusal("no such tensor") { _ = try source.loaded("d") }
    }
  }

  @Test("Shards without an index are joined, and the numbering tells a missing one")
  func joinsWithoutIndex() throws {
    _ = try writeTwoShards()
    #expect(unlink(folder.path("model.safetensors.index.json")) == 0)
    #expect(try Checkpoints.open(path: path).entries.count == 3)
    #expect(unlink(folder.path("model-00001-of-00002.safetensors")) == 0)
    refuse("model-00001-of-00002.safetensors: a shard is missing")
  }

  @Test("A tensor in two files is refused")
  func refusesDuplicates() throws {
    try write(["a", "b"], as: "one.safetensors")
    try write(["b"], as: "two.safetensors")
    refuse("b: the tensor is there twice")
    try writeIndex([("a", "one.safetensors"), ("b", "two.safetensors")])
    refuse("one.safetensors: b: the shard has a tensor that the index does not place there")
  }

  @Test("Index and shards that do not agree are refused")
  func refusesDisagreement() throws {
    try write(["a"], as: "one.safetensors")
    try writeIndex([("a", "one.safetensors"), ("b", "one.safetensors")])
    refuse("one.safetensors: b: the tensor is missing in its shard")
    try write(["a", "b", "x"], as: "one.safetensors")
    refuse("one.safetensors: x: the shard has a tensor that the index does not place there")
    try writeIndex([("a", "one.safetensors"), ("b", "two.safetensors"), ("c", "three.safetensors")])
    refuse("2 of 3 shards are missing: expected three.safetensors")
  }

  @Test("A shard that is something else is refused as what it is")
  func refusesWrongShards() throws {
    try writeIndex([("a", "one.safetensors")])
    _ = try folder.write(Array("<html><title>502 Bad Gateway".utf8), as: "one.safetensors")
    refuse("one.safetensors: this is an HTML page")
    _ = try folder.write(Array("version https://git-lfs.github.com/spec/v1\n".utf8), as: "one.safetensors")
    refuse("git lfs pull")
    _ = try folder.write([], as: "one.safetensors")
    refuse("one.safetensors: this is an empty file")
  }

  @Test(
    "A shard name that leaves the folder is refused",
    arguments: [
      "../one.safetensors", "/etc/passwd", "..", ".", "", "sub/one.safetensors", "a\\\\b", "a\\u0000b",
    ])
  func refusesNames(name: String) throws {
    try writeIndex([("a", name)])
    refuse("a: the index names a file outside its folder")
  }

  @Test(
    "An index that is not what it should be is refused",
    arguments: [
      ("{\"weight_map\": []}", "no object weight_map"), ("{\"weight_map\": {}}", "maps no tensor"),
      ("{\"weight_map\": {\"a\": 1}}", "no file name"), ("{}", "no object weight_map"),
      ("[]", "no object weight_map"),
      ("{\"weight_map\": {\"a\": \"x\", \"a\": \"y\"}}", "stands twice"),
      ("{\"weight_map\": {", "not valid JSON"),
      ("", "an empty file"), ("<html>", "HTML page"), ("GGUF", "GGUF"),
    ])
  func refusesIndexes(text: String, fragment: String) throws {
    _ = try folder.write(Array(text.utf8), as: "model.safetensors.index.json")
    refuse(fragment)
  }

  @Test("safetensors files are preferred to PyTorch files, an index to a single file")
  func prefersSafetensors() throws {
    _ = try folder.write(
      PickleBuilder.archive(PickleBuilder.dict("torch") { $0.tensor() }), as: "pytorch_model.bin")
    #expect(try Checkpoints.open(path: path).entries.map(\.name) == ["torch"])
    #expect(try Checkpoints.open(path: folder.path("pytorch_model.bin")).entries.map(\.name) == ["torch"])
    try write(["other"], as: "other.safetensors")
    #expect(try Checkpoints.open(path: path).entries.map(\.name) == ["other"])
    try write(["single"], as: "model.safetensors")
    #expect(try Checkpoints.open(path: path).entries.map(\.name) == ["single"])
    try writeIndex([("other", "other.safetensors")])
    #expect(try Checkpoints.open(path: path).entries.map(\.name) == ["other"])
  }

  @Test("The configuration and the tokenizer are found beside the weights")
  func findsCompanions() throws {
    try write(["a"], as: "model.safetensors")
    for path in [path, folder.path("model.safetensors")] {
      #expect(CheckpointFolder(of: path).path == self.path)
      #expect(CheckpointFolder(of: path).configurationPath == nil)
    }
    expectRefusal("no configuration") { _ = try CheckpointFolder(of: path).configuration() }
    _ = try folder.write(Array("version https://git-lfs.github.com/spec/v1\n".utf8), as: "config.json")
    expectRefusal("config.json", "git-LFS") { _ = try CheckpointFolder(of: path).configuration() }
    _ = try folder.write([1], as: "tokenizer.json")
    #expect(CheckpointFolder(of: path).tokenizerPath == folder.path("tokenizer.json"))
    #expect(CheckpointFolder(of: "model.safetensors").path == ".")
    #expect(CheckpointFolder(of: "/model.safetensors").path == "/")
  }

  @Test("Hidden files and what macOS keeps beside files are no shards (report 11)")
  func hiddenFiles() throws {
    _ = try writeTwoShards()
    #expect(unlink(folder.path("model.safetensors.index.json")) == 0)
    // AppleDouble, as macOS writes it to other file systems.
    let start: [UInt8] = [0, 5, 0x16, 7, 0, 2, 0, 0]
    let attributes = start + Array("Mac OS X        ".utf8) + [UInt8](repeating: 0, count: 4072)
    for name in ["model-00001-of-00002.safetensors", "model.safetensors", "model.safetensors.index.json"] {
      _ = try folder.write(attributes, as: "._" + name)
    }
    try write(["z"], as: ".hidden.safetensors")
    #expect(try Checkpoints.open(path: path).entries.map(\.name) == ["a", "b", "c"])
    // Where nothing else is there, there is no checkpoint; asked for by name, it is told what it is.
    for index in 1...2 { #expect(unlink(folder.path("model-0000\(index)-of-00002.safetensors")) == 0) }
    refuse("holds no checkpoint")
    expectRefusal("of a kind that is not known") {
      _ = try Checkpoints.open(path: folder.path("._model.safetensors"))
    }
  }

  @Test("A link that leads to itself, to nothing or to a folder is refused")
  func refusesLinks() throws {
    try writeIndex([("a", "one.safetensors")])
    #expect(symlink("one.safetensors", folder.path("one.safetensors")) == 0)
    refuse("shards are missing")
    for target in ["none", "."] {
      #expect(unlink(folder.path("one.safetensors")) == 0)
      #expect(symlink(target, folder.path("one.safetensors")) == 0)
      refuse(target == "." ? "not a regular file" : "shards are missing")
    }
    #expect(unlink(folder.path("model.safetensors.index.json")) == 0)
    #expect(symlink("model.safetensors.index.json", folder.path("model.safetensors.index.json")) == 0)
    refuse("holds no checkpoint")
  }

  @Test("Links to shards are followed, as the Hugging Face cache needs")
  func followsLinks() throws {
    try write(["a"], as: "blob")
    #expect(symlink(folder.path("blob"), folder.path("model.safetensors")) == 0)
    #expect(try Checkpoints.open(path: path).entries.map(\.name) == ["a"])
  }
}
