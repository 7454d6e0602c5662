import CogBase
import CogCheckpoint
import CogNative
import CogQuantize
import CogText

extension ModelSource {
  /// Opens what the user named: a checkpoint folder, one of its files, or a native float file, told apart by content.
  ///
  /// - Throws: `CogError` when it is none of them, or config.json or tokenizer.json is missing beside the weights.
  static func open(_ path: String) throws -> ModelSource {
    if try NativeKind.isNative(path) { return try ModelSource(native: NativeFile(path: path)) }
    let tensors = try Checkpoints.open(path: path)
    let folder = CheckpointFolder(of: path)
    let config = try require(folder.configurationPath, "config.json", beside: path)
    let tokenizerPath = try require(folder.tokenizerPath, "tokenizer.json", beside: path)
    let configBytes = try MappedFile(path: config).bytes
    guard let configText = String(validating: configBytes, as: UTF8.self) else {
      throw CogError("the configuration is not UTF-8 text", file: config)
    }
    let tokenizer = try Tokenizer(json: MappedFile(path: tokenizerPath).bytes, file: tokenizerPath)
    return try ModelSource(
      tensors: tensors, configurationText: configText, tokenizer: tokenizer.encoded(),
      otherFiles: [config, tokenizerPath])
  }

  private static func require(_ found: String?, _ name: String, beside path: String) throws -> String {
    guard let found else {
      throw CogError(
        "\(name) is missing beside the weights", file: path,
        advice: "Download it from where the weights come from, into the same folder.")
    }
    return found
  }
}

/// Tells native files from everything else by their content.
enum NativeKind {
  static func isNative(_ path: String) throws -> Bool {
    try FileKind.sniff(path: path) == .native
  }
}
