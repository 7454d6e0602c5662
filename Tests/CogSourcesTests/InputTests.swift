import CogBase
import CogCheckpoint
import CogModel
import CogSources
import CogTestSupport
import Testing

@Suite("What a user names, looked at once")
struct InputTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// What downloads turn into, and the words that name it.
  private static let neverRight: [(bytes: [UInt8], words: String)] = [
    ([], "an empty file"), ([UInt8](repeating: 0, count: 64), "a file of zero bytes"),
    (Array("<!DOCTYPE html><html></html>".utf8), "an HTML page"),
    (Array("version https://git-lfs.github.com/spec/v1\n".utf8), "a git-LFS pointer"),
    (Array("GGUF".utf8) + [3, 0, 0, 0], "a GGUF file"),
  ]

  private func refusal(_ body: (Input) throws -> Void, of bytes: [UInt8]) throws -> CogError? {
    let path = try folder.write(bytes, as: "file")
    return #expect(throws: CogError.self) { try body(Input(path: path)) }
  }

  @Test("every opener names what a download turned into, and what it wanted", arguments: 0..<5)
  func mislabeled(place: Int) throws {
    let (bytes, words) = Self.neverRight[place]
    let openers: [(expected: String, open: (Input) throws -> Void)] = [
      ("a native model file (.cogvlm)", { _ = try $0.nativeFile() }),
      ("a checkpoint: safetensors or a PyTorch zip file", { _ = try $0.checkpoint() }),
      ("a checkpoint: safetensors or a PyTorch zip file", { _ = try $0.tensors() }),
      ("a reference bundle (safetensors)", { _ = try $0.bundle() }),
      ("a native model file (.cogvlm) or a tokenizer.json", { _ = try $0.tokenizer() }),
      ("a JSON list of questions", { try $0.withBytes(expected: "a JSON list of questions") { _ in } }),
    ]
    for opener in openers {
      let error = try refusal(opener.open, of: bytes)
      #expect(error?.problem.contains(words) == true && error?.expected == opener.expected)
      #expect(error?.code == .unsupported && error?.file == folder.path("file") && error?.advice != nil)
    }
  }

  @Test("work that was stopped is named as such, with the way to go on")
  func unfinished() throws {
    for (bytes, name) in [([0, 0, 0, 0], "zeros"), ([0, 0, 7, 0], "begun")] as [([UInt8], String)] {
      let part = Part(path: folder.path(name), kind: .file)
      let file = try part.file()
      try bytes.withUnsafeBytes { try file.write($0, at: 0) }
      try part.journal?.append(["{}"])
      part.keep()
      let openers: [(Input) throws -> Void] = [
        { _ = try $0.nativeFile() }, { _ = try $0.checkpoint() }, { _ = try $0.tensors() },
      ]
      for open in openers {
        let error = #expect(throws: CogError.self) { try open(Input(path: folder.path(name + ".part"))) }
        #expect(error?.problem == "this is unfinished work" && error?.file == folder.path(name + ".part"))
        #expect(error?.advice?.contains("--resume") == true)
      }
    }
  }

  @Test("a folder and a checkpoint's file are no model, and the way to one is named")
  func notConverted() throws {
    let checkpoint = Fixtures.path("tiny/checkpoint")
    for (path, words) in [
      (checkpoint, "this is a folder"),
      (Fixtures.path("checkpoints/tensors.safetensors"), "a safetensors file"),
      (Fixtures.path("checkpoints/protocol2-stored.pt"), "a PyTorch file"),
    ] {
      let error = #expect(throws: CogError.self) { try Input(path: path).nativeFile() }
      #expect(error?.problem.contains(words) == true && error?.advice?.contains("cogvlm convert") == true)
    }
  }

  @Test("tensors of a checkpoint know their places where there is a configuration")
  func places() throws {
    let whole = try Input(path: Fixtures.path("tiny/checkpoint")).tensors()
    #expect(!whole.entries.isEmpty && whole.entries.allSatisfy { $0.part != nil })
    let lone = try Input(path: Fixtures.path("checkpoints/tensors.safetensors")).tensors()
    #expect(!lone.entries.isEmpty && lone.entries.allSatisfy { $0.place == .unknown })
  }

  @Test("what is not there is said")
  func nothing() {
    let error = #expect(throws: CogError.self) { try Input(path: folder.path("nothing")) }
    #expect(error?.problem.contains("cannot open") == true && error?.file == folder.path("nothing"))
  }
}
