import CogBase
package import CogModel
package import CogNative
import CogText

/// A whole model: what a conversion reads.
package struct ModelSource: Sendable {
  /// Where the file's provenance comes from.
  enum Provenance: Sendable {
    /// Files to be hashed.
    case files([String])
    /// What a native file says.
    case carried([ModelMetadata.SourceFile])
  }

  /// The tensors.
  package let tensors: any TensorStore
  /// The text of `config.json`, unchanged.
  package let configurationText: String
  /// The model's sizes.
  package let configuration: ModelConfiguration
  /// All ids that end an answer, where `config.json` alone does not say them; else nil.
  package let endOfText: [Int]?
  /// What a native file says was lost when it was quantized.
  let warnings: [String]
  /// The tokenizer.
  package let tokenizer: TokenizerText
  /// Tensors of the source that the model does not have.
  let leftOut: [String]
  let provenance: Provenance

  /// A model from its pieces.
  ///
  /// - Parameters:
  ///   - configurationText: the text of `config.json`.
  ///   - otherFiles: files beside those of the tensors that the provenance names: `config.json`,
  ///     `tokenizer.json`, an index.
  /// - Throws: ``CogError`` when the configuration is not one of this model, or the tensors are not exactly
  ///   those that it asks for.
  package init(
    tensors: any TensorStore, configurationText: String, tokenizer: TokenizerText, otherFiles: [String] = []
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

  /// A native file: configuration, tokenizer and provenance are carried over.
  ///
  /// - Parameter expands: whether quantized tensors are taken for the values that they stand for.
  /// - Throws: ``CogError`` when tensors are quantized and are not to be expanded, or the tokenizer is
  ///   damaged.
  package init(native file: NativeFile, expands: Bool = false) throws {
    if !expands, let quantized = file.entries.first(where: \.encoding.isQuantized) {
      throw CogError(
        "the file is quantized already", code: .unsupported, file: file.path, subject: quantized.name,
        expected: "float tensors", found: quantized.encoding.label,
        advice: "Start from the checkpoint or a native float file; convert --dtype bf16 makes one of it.")
    }
    self.init(
      complete: file, configurationText: file.metadata.config, configuration: file.configuration,
      endOfText: file.metadata.endOfText,
      tokenizer: TokenizerText(compact: Array(try file.tokenizerBytes()), file: file.path),
      provenance: .carried(file.metadata.provenance.sources), warnings: file.metadata.warnings ?? [])
  }

  /// A model whose tensors were compared with the table.
  init(
    complete tensors: any TensorStore, configurationText: String, configuration: ModelConfiguration,
    endOfText: [Int]? = nil, tokenizer: TokenizerText, provenance: Provenance,
    warnings: [String] = [], leftOut: [String] = []
  ) {
    self.leftOut = leftOut
    self.tensors = tensors
    self.configurationText = configurationText
    self.configuration = configuration
    self.endOfText = endOfText
    self.warnings = warnings
    self.tokenizer = tokenizer
    self.provenance = provenance
  }

  /// Whether the provenance has yet to be computed from the files.
  var isHashed: Bool { if case .files = provenance { true } else { false } }

  /// What an output may not take the place of: the files that are read, and the folders of a checkpoint's.
  var places: [String] { isHashed ? files + Set(files.map(\.folderOfPath)).sorted() : files }

  /// The tokens that the model may never have been trained with; nil where the tokenizer cannot tell.
  var spareTokens: SpareTokens? {
    (try? tokenizer.compact.withUnsafeBytes { try Tokenizer(encoded: $0, file: tensors.path) })?.spareTokens
  }

  /// All files that are read, in the order in which they are.
  var files: [String] {
    switch provenance {
    case .files(let paths): paths
    case .carried: tensors.files
    }
  }
}
