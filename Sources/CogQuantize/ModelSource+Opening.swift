import CogBase
import CogCheckpoint
import CogModel
import CogNative
package import CogSources
import CogText

extension ModelSource {
  /// Opens a checkpoint (a folder, its index or a file of weights) or a native float file; which one it is,
  /// its content tells.
  ///
  /// Beside a checkpoint's weights lie `config.json` and `tokenizer.json`.
  ///
  /// - Parameters:
  ///   - expands: whether the quantized tensors of a native file are taken for their values.
  ///   - allowsExtra: whether tensors that the model does not have are left out, instead of refused.
  /// - Throws: ``CogError`` when the path is neither, lacks one of these files, belongs to another model, or
  ///   does not have exactly the tensors that its configuration asks for.
  package static func open(
    path: String, expands: Bool = false, allowsExtra: Bool = false
  ) throws -> ModelSource {
    try ModelSource(Input(path: path), expands: expands, allowsExtra: allowsExtra)
  }

  /// The same of a path that was looked at. - Throws: as ``open(path:expands:allowsExtra:)``.
  package init(_ input: Input, expands: Bool = false, allowsExtra: Bool = false) throws {
    if input.isNative {
      try self.init(native: input.nativeFile(), expands: expands)
      return
    }
    let checkpoint = try input.checkpoint()
    let folder = checkpoint.folder
    guard let settings = try folder.settings() else {
      throw Self.missing("config.json", in: folder)
    }
    let completeness = checkpoint.store.completeness(for: settings.configuration)
    try completeness.requireComplete(path: checkpoint.store.path, allowingExtra: allowsExtra)
    guard let tokenizerFile = try folder.tokenizerFile() else {
      throw Self.missing("tokenizer.json", in: folder)
    }
    let tokenizer = try Self.withText(tokenizerFile) { try Tokenizer(json: $0, file: tokenizerFile.path) }
    let otherFiles =
      settings.paths + [tokenizerFile.path] + [checkpoint.store.index?.path].compactMap { $0 }
    self.init(
      complete: checkpoint.store, configurationText: try Self.text(settings.file),
      configuration: settings.configuration, endOfText: settings.endOfText,
      tokenizer: TokenizerText(compact: tokenizer.encoded()) { try tokenizerFile.withBytes { Array($0) } },
      provenance: .files(checkpoint.store.files + otherFiles), leftOut: completeness.extra)
  }

  private static func missing(_ name: String, in folder: CheckpointFolder) -> CogError {
    CogError(
      "the checkpoint lacks a file", code: .incomplete, file: folder.file(name),
      expected: "\(name) beside the weights", advice: "Download it from where the weights came from.")
  }

  /// Reads a file of text; the error for another kind of file names that kind.
  private static func withText<Result>(
    _ file: RecognizedFile, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard [.json, .shardIndex, .unknown].contains(file.kind) else {
      var refusal = file.kind.refusal(of: file.path, expected: "a file of JSON")
      refusal.advice = "Download it again."
      throw refusal
    }
    return try file.withBytes(body)
  }

  private static func text(_ file: RecognizedFile) throws -> String {
    try withText(file) { bytes in
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw CogError("the file is not UTF-8", file: file.path, expected: "JSON")
      }
      return text
    }
  }
}
