import CogBase
import CogCheckpoint
import CogModel
import CogTestSupport
import Glibc
import Testing

@Suite struct FileKindTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  static let pickle = PickleBuilder.dict("w") { $0.tensor() }

  /// One example of every kind.
  static let examples: [(FileKind, [UInt8])] = [
    (.safetensors, SafetensorsBuilder.small),
    (.torchZip, PickleBuilder.archive(pickle)),
    (
      .torchLegacy,
      [0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E, 0x80, 2]
    ),
    (.shardIndex, Array("{\"metadata\": {}, \"weight_map\": {\"a\": \"b\"}}".utf8)),
    (.json, Array("{\"hidden_size\": 4096}".utf8)),
    (.json, Array("\u{FEFF} [1]".utf8)),
    (.native, NativeFormat.magic + [1, 0, 0, 0]),
    (.gguf, Array("GGUF".utf8) + [3, 0, 0, 0]),
    (.lfsPointer, Array("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n".utf8)),
    (.html, Array("\n <!DOCTYPE html><html><body>Access denied".utf8)),
    (.html, Array("<?xml version=\"1.0\"?><Error><Code>AccessDenied".utf8)),
    (.pickle, pickle),
    (
      .zip,
      {
        var zip = ZipBuilder(); zip.add("word/document.xml", [1]); return zip.bytes
      }()
    ),
    (.empty, []),
    (.zeros, [UInt8](repeating: 0, count: 5000)),
    (.unknown, Array("just some text".utf8)),
    (.unknown, [0] + [UInt8](repeating: 0, count: 100) + [1]),
  ]

  @Test("Every kind of file is told by its content", arguments: examples)
  func tellsKinds(kind: FileKind, bytes: [UInt8]) throws {
    // The name says something else.
    #expect(try RecognizedFile(path: folder.write(bytes, as: "model.safetensors")).kind == kind)
    #expect(Set(Self.examples.map(\.0)) == Set(FileKind.allCases))
  }

  @Test(
    "What is no checkpoint is refused as what it is, with what to do",
    arguments: [
      (FileKind.torchLegacy, "legacy form"), (.json, "JSON"), (.native, ".cogvlm"), (.gguf, "GGUF"),
      (.lfsPointer, "git lfs pull"), (.html, "HTML page"), (.pickle, "pickle"), (.zip, "zip archive"),
      (.empty, "empty file"), (.zeros, "zero bytes"), (.unknown, "not known"),
    ])
  func refusesKinds(kind: FileKind, words: String) throws {
    for (_, bytes) in Self.examples where bytes == Self.examples.first(where: { $0.0 == kind })?.1 {
      let path = try folder.write(bytes, as: "model.safetensors")
      expectRefusal(words, "model.safetensors") { _ = try Checkpoints.open(path: path) }
      // The same inside a folder.
      expectRefusal(words, "model.safetensors") { _ = try Checkpoints.open(path: folder.url.path) }
    }
  }

  @Test("A large file of zeros is told without reading all of it")
  func tellsLargeZeros() throws {
    let path = try folder.write([0], as: "sparse")
    #expect(truncate(path, 40 << 30) == 0)
    let start = ContinuousClock.now
    #expect(try RecognizedFile(path: path).kind == .zeros)
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  @Test("A truncated PyTorch file is still told from other archives")
  func tellsTruncatedTorchFiles() throws {
    let path = try folder.write(PickleBuilder.archive(Self.pickle).dropLast(40), as: "cut.bin")
    #expect(try RecognizedFile(path: path).kind == .torchZip)
    expectRefusal("no end record", "cut.bin", "download it again") { _ = try Checkpoints.open(path: path) }
  }

  @Test("A missing path, a folder without weights and a pipe are refused")
  func refusesOtherPaths() throws {
    expectRefusal("cannot open") { _ = try Checkpoints.open(path: folder.path("nothing")) }
    expectRefusal("holds no checkpoint", "no files") { _ = try Checkpoints.open(path: folder.url.path) }
    _ = try folder.write([1], as: "README.md")
    expectRefusal("holds no checkpoint", "README.md") { _ = try Checkpoints.open(path: folder.url.path) }
    #expect(mkfifo(folder.path("pipe"), 0o600) == 0)
    expectRefusal("not a regular file") { _ = try Checkpoints.open(path: folder.path("pipe")) }
    expectRefusal("not a regular file") { _ = try RecognizedFile(path: folder.url.path).kind }
  }
}
