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

  /// The path of `tokenizer.json`, or nil when there is none.
  package var tokenizerPath: String? { existing("tokenizer.json") }

  /// `config.json`, looked at, or nil when there is none.
  ///
  /// - Throws: ``CogError`` when it cannot be read or is no regular file.
  package func configurationFile() throws -> RecognizedFile? {
    try configurationPath.map { try RecognizedFile(path: $0) }
  }

  /// `tokenizer.json`, looked at, or nil when there is none. - Throws: as ``configurationFile()``.
  package func tokenizerFile() throws -> RecognizedFile? {
    try tokenizerPath.map { try RecognizedFile(path: $0) }
  }

  /// Reads `config.json`.
  ///
  /// - Throws: ``CogError`` when it is missing, is not JSON, or is not the configuration of this model.
  package func configuration() throws -> ModelConfiguration {
    guard let file = try configurationFile() else {
      throw CogError(
        "the folder has no configuration", code: .incomplete, file: path,
        expected: "config.json beside the weights", advice: "Download it from where the weights came from.")
    }
    return try ModelConfiguration(file)
  }

  /// Whatever has the name: a folder in place of the file is an error of its own, when it is read.
  private func existing(_ name: String) -> String? { FileStatus.exists(file(name)) ? file(name) : nil }

  /// The names of the regular files in the folder, sorted.
  ///
  /// - Throws: ``CogError`` when the folder cannot be listed.
  func fileNames() throws -> [String] {
    try FolderListing.names(in: path).filter { FileStatus.isRegularFile(file($0)) }.sorted()
  }
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
