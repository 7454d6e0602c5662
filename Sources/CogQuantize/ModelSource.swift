import CogBase
package import CogModel
package import CogNative

/// A whole model in full precision: what a conversion reads.
package struct ModelSource: Sendable {
  /// Where the file's provenance comes from.
  enum Provenance: Sendable {
    /// Files to be hashed.
    case files([String])
    /// What a native file says.
    case carried([NativeMetadata.SourceFile])
  }

  /// The tensors.
  package let tensors: any TensorStore
  /// The text of `config.json`, unchanged.
  package let configurationText: String
  /// The model's sizes.
  package let configuration: ModelConfiguration
  /// The tokenizer in the form of `Formats/tokenizer.md`.
  package let tokenizer: [UInt8]
  let provenance: Provenance

  /// A model from its pieces.
  ///
  /// - Parameters:
  ///   - configurationText: the text of `config.json`.
  ///   - tokenizer: the tokenizer in the form of `Formats/tokenizer.md`.
  ///   - otherFiles: files beside those of the tensors that the provenance names: `config.json`,
  ///     `tokenizer.json`, an index.
  /// - Throws: ``CogError`` when the configuration is not one of this model, or the tensors are not exactly
  ///   those that it asks for.
  package init(
    tensors: any TensorStore, configurationText: String, tokenizer: [UInt8], otherFiles: [String] = []
  ) throws {
    let file = otherFiles.first ?? tensors.path
    let configuration = try Array(configurationText.utf8).withUnsafeBytes {
      try ModelConfiguration(json: $0, file: file)
    }
    try tensors.completeness(for: configuration).requireComplete(path: tensors.path)
    self.init(
      complete: tensors, configurationText: configurationText, configuration: configuration,
      tokenizer: tokenizer, provenance: .files(tensors.files + otherFiles))
  }

  /// A native file without quantized tensors: configuration, tokenizer and provenance are carried over.
  ///
  /// - Throws: ``CogError`` when tensors are quantized or the tokenizer is damaged.
  package init(native file: NativeFile) throws {
    if let quantized = file.entries.first(where: \.encoding.isQuantized) {
      throw CogError(
        "the file is quantized already", file: file.path, subject: quantized.name, expected: "float tensors",
        found: quantized.encoding.label, advice: "Start from the checkpoint or from a native float file.")
    }
    self.init(
      complete: file, configurationText: file.metadata.config, configuration: file.configuration,
      tokenizer: Array(try file.tokenizerBytes()), provenance: .carried(file.metadata.provenance.sources))
  }

  /// A model whose tensors were compared with the table.
  init(
    complete tensors: any TensorStore, configurationText: String, configuration: ModelConfiguration,
    tokenizer: [UInt8], provenance: Provenance
  ) {
    self.tensors = tensors
    self.configurationText = configurationText
    self.configuration = configuration
    self.tokenizer = tokenizer
    self.provenance = provenance
  }

  /// Whether the provenance has yet to be computed from the files.
  var isHashed: Bool { if case .files = provenance { true } else { false } }

  /// All files that are read, in the order in which they are.
  var files: [String] {
    switch provenance {
    case .files(let paths): paths
    case .carried: tensors.files
    }
  }
}
