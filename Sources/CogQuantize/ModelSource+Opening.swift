import CogBase
import CogCheckpoint
import CogModel
import CogNative
import CogText

extension ModelSource {
  /// Opens a checkpoint (a folder, its index or a file of weights) or a native float file; which one it is,
  /// its content tells.
  ///
  /// Beside a checkpoint's weights lie `config.json` and `tokenizer.json`.
  ///
  /// - Throws: ``CogError`` when the path is neither, lacks one of these files, belongs to another model, or
  ///   does not have exactly the tensors that its configuration asks for.
  package static func open(path: String) throws -> ModelSource {
    let folder = CheckpointFolder(of: path)
    if folder.path != path, try FileKind.sniff(path: path) == .native {
      return try ModelSource(native: NativeFile(path: path))
    }
    let tensors = try Checkpoints.open(path: path)
    let configurationPath = try folder.configurationPath ?? missing("config.json", in: folder)
    let configuration = try folder.configuration()
    try tensors.completeness(for: configuration).requireComplete(path: path)
    let tokenizerPath = try folder.tokenizerPath ?? missing("tokenizer.json", in: folder)
    let tokenizer = try withText(tokenizerPath) { try Tokenizer(json: $0, file: tokenizerPath) }
    return try ModelSource(
      tensors: tensors, configurationText: text(configurationPath), tokenizer: tokenizer.encoded(),
      otherFiles: [configurationPath, tokenizerPath] + [tensors.indexPath].compactMap { $0 })
  }

  private static func missing(_ name: String, in folder: CheckpointFolder) throws -> String {
    throw CogError(
      "the checkpoint lacks a file", file: folder.file(name), expected: "\(name) beside the weights",
      advice: "Download it from where the weights came from.")
  }

  /// Reads a file of text; the error for another kind of file names that kind.
  private static func withText<Result>(
    _ path: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    let kind = try FileKind.sniff(path: path)
    guard kind == .json || kind == .shardIndex || kind == .unknown else {
      throw CogError(
        "this is \(kind.description)", file: path, expected: "a file of JSON", advice: "Download it again.")
    }
    return try MappedFile.withBytes(ofFile: path, body)
  }

  private static func text(_ path: String) throws -> String {
    try withText(path) { bytes in
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw CogError("the file is not UTF-8", file: path, expected: "JSON")
      }
      return text
    }
  }
}
