package import CogBase
package import CogModel

/// An open native file: the whole model, mapped, its tensors used where they lie.
///
/// Opening reads the header, the directory and the metadata only; it takes milliseconds whatever the size.
package final class NativeFile: TensorStore {
  /// The path that the user gave.
  package let path: String
  /// What the file says about itself.
  package let metadata: ModelMetadata
  /// The model's sizes.
  package let configuration: ModelConfiguration
  /// The table of the tensors that the file has, all of them.
  package let table: TensorTable
  /// The tensors in the order in which they lie in the file, with their places in the model.
  package let entries: [TensorEntry]

  private let mapping: MappedFile
  private let header: NativeHeader
  private let indexByName: [String: Int]

  /// Opens a native file and checks everything but the tensors' bytes.
  ///
  /// - Throws: ``CogError`` when the file is no native file, is damaged or cut off, or lacks a tensor.
  package convenience init(path: String) throws { try self.init(MappedFile(path: path)) }

  /// The same of a file that is mapped. - Throws: as ``init(path:)``.
  package init(_ mapping: MappedFile) throws {
    path = mapping.path
    let path = path
    self.mapping = mapping
    let bytes = mapping.bytes
    let parts = try naming(file: path) {
      let header = try NativeHeader(bytes)
      let directory = UnsafeRawBufferPointer(rebasing: bytes[header.directory.range])
      let metadataBytes = UnsafeRawBufferPointer(rebasing: bytes[header.metadata.range])
      let computed = Checksum.crc32(metadataBytes, continuing: Checksum.crc32(directory))
      guard computed == header.indexChecksum else {
        throw CogError(
          "the directory is damaged", code: .damaged, subject: "directory checksum",
          expected: "0x\(header.indexChecksum.hexadecimal)",
          found: "0x\(computed.hexadecimal)", advice: "Copy the file again or convert again.")
      }
      let entries = try NativeDirectory.decode(
        directory, count: header.tensorCount, data: header.data.range, file: path)
      let metadata = try ModelMetadata(section: metadataBytes)
      var configuration = try Array(metadata.config.utf8).withUnsafeBytes {
        try ModelConfiguration(json: $0, file: path)
      }
      try configuration.addEndOfText(metadata.endOfText ?? [], field: "endOfText")
      return (header, entries, metadata, configuration)
    }
    (header, _, metadata, configuration) = parts
    let table = TensorTable(configuration)
    self.table = table
    entries = parts.1.map { $0.placed(in: table) }
    indexByName = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.name, $0) })
    try naming(file: path) { try checkCompleteness() }
  }

  private func checkCompleteness() throws {
    for specification in table.specifications {
      guard let entry = entry(named: specification.name) else {
        throw CogError("a tensor is missing", code: .incomplete, subject: specification.name)
      }
      guard entry.shape == specification.shape else {
        throw CogError(
          "a tensor has the wrong shape", subject: entry.name, expected: specification.shape.description,
          found: entry.shape.description)
      }
    }
    if let extra = entries.first(where: { $0.place == .foreign }) {
      throw CogError("the model has no such tensor", subject: extra.name)
    }
  }

  /// Whether no tensor is quantized.
  package var isFloat: Bool { entries.allSatisfy { !$0.encoding.isQuantized } }

  /// Bytes of the whole file.
  package var fileSize: Int { header.fileSize }

  /// The tokenizer in the form of `Formats/tokenizer.md`, its checksum compared.
  ///
  /// - Throws: ``CogError`` when the section is damaged.
  package func tokenizerBytes() throws -> UnsafeRawBufferPointer {
    let bytes = UnsafeRawBufferPointer(rebasing: mapping.bytes[header.tokenizer.range])
    let computed = Checksum.crc32(bytes)
    guard computed == header.tokenizerChecksum else {
      throw CogError(
        "the tokenizer is damaged", code: .damaged, file: path, subject: "tokenizer checksum",
        expected: "0x\(header.tokenizerChecksum.hexadecimal)",
        found: "0x\(computed.hexadecimal)")
    }
    return bytes
  }

  // MARK: TensorStore

  /// The file itself.
  package var files: [String] { [path] }

  /// The tensor of a name, or nil.
  package func entry(named name: String) -> TensorEntry? { indexByName[name].map { entries[$0] } }

  /// The stored bytes of a tensor, in its encoding; their checksum is not compared.
  ///
  /// - Throws: ``CogError`` when there is no such tensor.
  package func bytes(of entry: TensorEntry) throws -> OwnedBytes { OwnedBytes(mapping, try range(of: entry)) }

  /// Compares a tensor's bytes with its checksum.
  ///
  /// - Throws: ``CogError`` when they differ.
  package func verifyChecksum(of entry: TensorEntry) throws {
    let computed = try bytes(of: entry).withUnsafeBytes { Checksum.crc32($0) }
    guard let checksum = entry.checksum, computed != checksum else { return }
    throw CogError(
      "the tensor is damaged", code: .damaged, file: path, subject: entry.name,
      expected: "checksum 0x\(checksum.hexadecimal)", found: "0x\(computed.hexadecimal)",
      advice: "Copy the file again or convert again.")
  }

  /// Lets a tensor's pages go.
  package func release(_ entry: TensorEntry) {
    if let range = try? range(of: entry) { mapping.letGo(range) }
  }

  /// Where a tensor of this file lies, as its own directory says.
  private func range(of entry: TensorEntry) throws -> Range<Int> {
    guard let own = self.entry(named: entry.name), let offset = own.offset else {
      throw missing(entry.name)
    }
    return offset..<offset + own.byteCount
  }
}
