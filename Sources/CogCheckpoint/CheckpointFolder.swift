import CogBase
package import CogModel

/// The folder of a downloaded checkpoint and what lies in it.
package struct CheckpointFolder: Sendable, Equatable {
  /// The path of the folder.
  package let path: String

  /// The folder `path`, or the one that holds the file `path`.
  package init(of path: String) {
    if (try? FileStatus(path: path))?.isFolder == true {
      self.path = path
    } else {
      let folder = path.folderOfPath
      self.path = folder == "/" ? folder : String(folder[..<folder.utf8.index(before: folder.endIndex)])
    }
  }

  /// The path of a file in the folder, whether it is there or not.
  package func file(_ name: String) -> String { path.appendingPath(name) }

  /// The path of `config.json`, or nil when there is none.
  package var configurationPath: String? { existing("config.json") }

  /// The paths of the files of settings that are there: configuration, generation and tokenizer.
  package var settingsPaths: [String] {
    ["config.json", "generation_config.json", "tokenizer.json"].compactMap(existing)
  }

  /// The path of `tokenizer.json`, or nil when there is none.
  package var tokenizerPath: String? { existing("tokenizer.json") }

  /// `config.json`, looked at, or nil when there is none.
  ///
  /// - Throws: ``CogError`` when it cannot be read or is no regular file.
  package func configurationFile() throws -> RecognizedFile? {
    try configurationPath.map { try RecognizedFile(path: $0) }
  }

  /// `generation_config.json`, looked at, or nil when there is none. - Throws: as ``configurationFile()``.
  private func generationFile() throws -> RecognizedFile? {
    try existing("generation_config.json").map { try RecognizedFile(path: $0) }
  }

  /// `tokenizer.json`, looked at, or nil when there is none. - Throws: as ``configurationFile()``.
  package func tokenizerFile() throws -> RecognizedFile? {
    try tokenizerPath.map { try RecognizedFile(path: $0) }
  }

  /// Reads `config.json` and, where there is one, `generation_config.json`; nil when there is no
  /// `config.json`.
  ///
  /// - Throws: ``CogError`` when one of them is not JSON, or is not of this model.
  package func settings() throws -> FolderSettings? {
    guard let file = try configurationFile() else { return nil }
    return try FolderSettings(file, generation: generationFile())
  }

  /// The configuration of the files. - Throws: as ``settings()``; and when there is no `config.json`.
  package func configuration() throws -> ModelConfiguration {
    guard let settings = try settings() else {
      throw CogError(
        "the folder has no configuration", code: .incomplete, file: path,
        expected: "config.json beside the weights", advice: "Download it from where the weights came from.")
    }
    return settings.configuration
  }

  /// Whatever has the name: a folder in place of the file is an error of its own, when it is read.
  private func existing(_ name: String) -> String? { FileStatus.exists(file(name)) ? file(name) : nil }

  /// The names of the regular files in the folder that are not hidden, sorted. What begins with a full stop
  /// is no part of a checkpoint: macOS keeps attributes of `x` in `._x`.
  ///
  /// - Throws: ``CogError`` when the folder cannot be listed.
  func fileNames() throws -> [String] {
    try FolderListing.names(in: path).filter { !$0.hasPrefix(".") && FileStatus.isRegularFile(file($0)) }
      .sorted()
  }
}

/// The model's configuration as the files of a folder say it.
package struct FolderSettings: Sendable {
  /// The configuration, with the ids that end an answer of both files.
  package let configuration: ModelConfiguration
  /// `config.json`.
  package let file: RecognizedFile
  /// `generation_config.json`, or nil.
  package let generationFile: RecognizedFile?
  /// All ids that end an answer, where `generation_config.json` has some that `config.json` does not; else
  /// nil.
  package let endOfText: [Int]?

  init(_ file: RecognizedFile, generation: RecognizedFile?) throws {
    var configuration = try ModelConfiguration(file)
    let count = configuration.endOfTextIDs.count
    if let generation {
      guard [.json, .shardIndex, .unknown].contains(generation.kind) else {
        throw generation.kind.refusal(of: generation.path, expected: "settings of generation in JSON")
      }
      try generation.withBytes {
        try configuration.addEndOfText(generationJSON: $0, file: generation.path)
      }
    }
    self.configuration = configuration
    self.file = file
    generationFile = generation
    endOfText = configuration.endOfTextIDs.count > count ? configuration.endOfTextIDs : nil
  }

  /// The files, as paths.
  package var paths: [String] { [file, generationFile].compactMap { $0?.path } }
}

extension ModelConfiguration {
  /// Reads a `config.json` that was looked at.
  ///
  /// - Throws: ``CogError`` when it is no JSON, or is not the configuration of this model.
  package init(_ file: RecognizedFile) throws {
    guard ![.lfsPointer, .html, .empty, .zeros].contains(file.kind) else {
      throw file.kind.refusal(of: file.path, expected: "the model's configuration in JSON")
    }
    self = try file.withBytes { try ModelConfiguration(json: $0, file: file.path) }
  }
}
