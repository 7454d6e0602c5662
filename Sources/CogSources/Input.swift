import CogBase
package import CogCheckpoint
package import CogModel
package import CogNative
package import CogText

/// A path that a user named, looked at once: what stands there decides what it can be opened as, and what it
/// is instead is named where it cannot.
package struct Input: Sendable {
  /// What stands at the path.
  package let place: RecognizedPath

  /// Looks at a path.
  ///
  /// - Throws: ``CogError`` when there is nothing, it cannot be read, or is a pipe or a device.
  package init(path: String) throws { place = try RecognizedPath(path) }

  /// The path as it was given.
  package var path: String { place.path }

  /// Whether it is a native file.
  package var isNative: Bool { place.kind == .native }

  // MARK: Models

  /// Opens a native file, which commands that run a model take.
  ///
  /// - Throws: ``CogError`` that says what else the path is and how a native file is made of it, or what is
  ///   wrong with the file.
  package func nativeFile() throws -> NativeFile {
    let expected = "a native model file (.cogvlm)"
    let advice = "Make one with cogvlm convert or cogvlm quantize."
    switch place {
    case .folder(let path):
      throw CogError("this is a folder", code: .unsupported, file: path, expected: expected, advice: advice)
    case .file(let file):
      if [.safetensors, .torchZip, .shardIndex].contains(file.kind) {
        var refusal = file.kind.refusal(of: path, expected: expected)
        refusal.advice = advice
        throw refusal
      }
      try refuseMislabeled(expected: expected)
      return try NativeFile(file.mapped())
    }
  }

  /// Opens anything that has tensors: a checkpoint or a native file. Reads headers only.
  ///
  /// - Returns: tensors that know their places in the model where the model is known.
  /// - Throws: ``CogError`` that names what the path is when it is none of these, or what is wrong with it.
  package func tensors() throws -> any TensorStore {
    if isNative { return try nativeFile() }
    return try checkpoint().placedTensors()
  }

  /// Opens a checkpoint, or any other file of tensors of those kinds.
  ///
  /// - Throws: ``CogError`` that names what the path is when it is none, or what is wrong with it.
  package func checkpoint() throws -> Checkpoint {
    try Checkpoint(place)
  }

  // MARK: Other inputs

  /// Opens a reference bundle, a safetensors file.
  ///
  /// - Throws: ``CogError`` that names what the file is, or what is wrong with it.
  package func bundle() throws -> SafetensorsFile {
    try refuseMislabeled(expected: "a reference bundle (safetensors)")
    return try SafetensorsFile(mapped())
  }

  /// Opens the tokenizer of a native file, of a checkpoint's folder, or a `tokenizer.json`.
  ///
  /// - Throws: ``CogError`` that names what the file is, or what is wrong with it.
  package func tokenizer() throws -> Tokenizer {
    if case .folder(let folder) = place {
      return try Tokenizer(RecognizedFile(path: folder + "/tokenizer.json"))
    }
    try refuseMislabeled(expected: Self.tokenizerExpected)
    let bytes = try mapped()
    if bytes.bytes.first == UInt8(ascii: "{") {
      return try withExtendedLifetime(bytes) { try Tokenizer(json: bytes.bytes, file: path) }
    }
    return try NativeFile(bytes).tokenizer()
  }

  fileprivate static let tokenizerExpected = "a native model file (.cogvlm) or a tokenizer.json"

  /// Shows the bytes of a file of another kind, such as questions, to `body`.
  ///
  /// - Parameter expected: what the file should be, for the error.
  /// - Throws: ``CogError`` when it is a folder, or plainly something else; what `body` throws.
  package func withBytes<Result>(
    expected: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    try refuseMislabeled(expected: expected)
    let file = try mapped()
    return try withExtendedLifetime(file) { try body(file.bytes) }
  }

  private func mapped() throws -> MappedFile {
    switch place {
    case .folder(let path): throw CogError("not a regular file", file: path, found: "a folder")
    case .file(let file): return try file.mapped()
    }
  }

  /// What no input of any command is, but what downloads turn into.
  fileprivate static let neverRight: Set<FileKind> = [
    .html, .lfsPointer, .gguf, .empty, .zeros, .torchLegacy,
  ]

  /// - Parameter expected: what should be there, for the error.
  /// - Throws: ``CogError`` that names what the file is when it is none of what any command reads.
  package func refuseMislabeled(expected: String) throws {
    if case .file(let file) = place { try file.refuseMislabeled(expected: expected) }
  }
}

extension NativeFile {
  /// The tokenizer in the file. - Throws: ``CogError`` when its section is damaged.
  package func tokenizer() throws -> Tokenizer {
    try withExtendedLifetime(self) { try Tokenizer(encoded: tokenizerBytes(), file: path) }
  }
}

extension RecognizedFile {
  fileprivate func refuseMislabeled(expected: String) throws {
    if Input.neverRight.contains(kind) || kind == .unknown && Part.isUnfinished(path) {
      throw kind.refusal(of: path, expected: expected)
    }
  }
}

extension Tokenizer {
  /// Reads a `tokenizer.json` that was looked at.
  ///
  /// - Throws: ``CogError`` that names what the file is, or what is wrong with it.
  package init(_ file: RecognizedFile) throws {
    try file.refuseMislabeled(expected: Input.tokenizerExpected)
    self = try file.withBytes { try Tokenizer(json: $0, file: file.path) }
  }
}
