import CogBase
package import CogModel

/// An open native file: the whole model, mapped, its tensors used where they lie.
///
/// Opening reads the header, the directory and the metadata only; it takes milliseconds whatever the size.
package final class NativeFile: TensorSource {
  /// The path that the user gave.
  package let path: String
  /// What the file says about itself.
  package let metadata: NativeMetadata
  /// The model's sizes.
  package let configuration: ModelConfiguration
  /// The table of the tensors that the file has, all of them.
  package let table: TensorTable
  /// The tensors in the order in which they lie in the file.
  package let tensors: [NativeTensor]

  private let mapping: MappedFile
  private let header: NativeHeader
  private let indexByName: [String: Int]

  /// Opens a native file and checks everything but the tensors' bytes.
  ///
  /// - Throws: ``CogError`` when the file is no native file, is damaged or cut off, or lacks a tensor.
  package init(path: String) throws {
    self.path = path
    mapping = try MappedFile(path: path)
    let bytes = mapping.bytes
    let parts = try naming(file: path) {
      let header = try NativeHeader(bytes)
      let directory = UnsafeRawBufferPointer(rebasing: bytes[header.directory.range])
      let metadataBytes = UnsafeRawBufferPointer(rebasing: bytes[header.metadata.range])
      let computed = Checksum.crc32(metadataBytes, continuing: Checksum.crc32(directory))
      guard computed == header.indexChecksum else {
        throw CogError(
          "the directory is damaged", subject: "directory checksum", expected: hex(header.indexChecksum),
          found: hex(computed), advice: "Copy the file again or convert again.")
      }
      let tensors = try NativeDirectory.decode(directory, count: header.tensorCount, data: header.data.range)
      let metadata = try NativeMetadata(section: metadataBytes)
      let configuration = try Array(metadata.config.utf8).withUnsafeBytes {
        try ModelConfiguration(json: $0, file: path)
      }
      return (header, tensors, metadata, configuration)
    }
    (header, tensors, metadata, configuration) = parts
    table = TensorTable(configuration)
    indexByName = Dictionary(uniqueKeysWithValues: tensors.enumerated().map { ($1.name, $0) })
    try naming(file: path) { try checkCompleteness() }
  }

  private func checkCompleteness() throws {
    for specification in table.specifications {
      guard let tensor = tensor(named: specification.name) else {
        throw CogError("a tensor is missing", subject: specification.name)
      }
      guard tensor.shape == specification.shape else {
        throw CogError(
          "a tensor has the wrong shape", subject: tensor.name, expected: specification.shape.description,
          found: tensor.shape.description)
      }
    }
    if tensors.count != table.specifications.count,
      let extra = tensors.first(where: { table.specification(named: $0.name) == nil })
    {
      throw CogError("the model has no such tensor", subject: extra.name)
    }
  }

  /// Whether no tensor is quantized.
  package var isFloat: Bool { tensors.allSatisfy { !$0.encoding.isQuantized } }

  /// Bytes of the whole file.
  package var fileSize: Int { header.fileSize }

  /// The directory entry of a tensor, or nil.
  package func tensor(named name: String) -> NativeTensor? { indexByName[name].map { tensors[$0] } }

  /// The stored bytes of a tensor, in its encoding.
  package func bytes(of tensor: NativeTensor) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: mapping.bytes[tensor.offset..<tensor.offset + tensor.byteCount])
  }

  /// What must be kept alive while bytes of the file are used.
  package var owner: AnyObject { mapping }

  /// The tokenizer in the form of `Formats/tokenizer.md`, its checksum compared.
  ///
  /// - Throws: ``CogError`` when the section is damaged.
  package func tokenizerBytes() throws -> UnsafeRawBufferPointer {
    let bytes = UnsafeRawBufferPointer(rebasing: mapping.bytes[header.tokenizer.range])
    let computed = Checksum.crc32(bytes)
    guard computed == header.tokenizerChecksum else {
      throw CogError(
        "the tokenizer is damaged", file: path, subject: "tokenizer checksum",
        expected: hex(header.tokenizerChecksum),
        found: hex(computed))
    }
    return bytes
  }

  /// Compares a tensor's bytes with its checksum.
  ///
  /// - Throws: ``CogError`` when they differ.
  package func verifyChecksum(of tensor: NativeTensor) throws {
    let computed = Checksum.crc32(bytes(of: tensor))
    guard computed == tensor.checksum else {
      throw CogError(
        "the tensor is damaged", file: path, subject: tensor.name,
        expected: "checksum \(hex(tensor.checksum))",
        found: hex(computed), advice: "Copy the file again or convert again.")
    }
  }

  // MARK: TensorSource

  /// The file itself.
  package var files: [String] { [path] }

  /// The tensors that are not quantized.
  package var records: [TensorRecord] { tensors.compactMap(record(of:)) }

  /// The record of a tensor that is not quantized, or nil.
  package func record(of name: String) -> TensorRecord? { tensor(named: name).flatMap(record(of:)) }

  private func record(of tensor: NativeTensor) -> TensorRecord? {
    guard let type = tensor.encoding.plainType else { return nil }
    return TensorRecord(
      name: tensor.name, elementType: type, shape: tensor.shape, file: path, fileOffset: tensor.offset,
      byteCount: tensor.byteCount)
  }

  /// The elements of a tensor that is not quantized, compared with their checksum.
  ///
  /// - Throws: ``CogError`` when there is no such tensor, it is quantized, or its bytes are damaged.
  package func view(of name: String) throws -> TensorView {
    guard let tensor = tensor(named: name) else { throw missing(name) }
    guard let type = tensor.encoding.plainType else {
      throw CogError(
        "the tensor is quantized", file: path, subject: name, expected: "a float tensor",
        found: tensor.encoding.label,
        advice: "Start from the checkpoint or from a native float file.")
    }
    try verifyChecksum(of: tensor)
    return TensorView(elementType: type, shape: tensor.shape, bytes: bytes(of: tensor), owner: mapping)
  }

  /// Starts reading a tensor's pages.
  package func prefetch(_ name: String) { advise(.willNeed, name) }

  /// Lets a tensor's pages go.
  package func release(_ name: String) { advise(.done, name) }

  private func advise(_ advice: MappedFile.Advice, _ name: String) {
    guard let tensor = tensor(named: name) else { return }
    mapping.advise(advice, tensor.offset..<tensor.offset + tensor.byteCount)
  }
}
