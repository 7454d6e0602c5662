public import CogBase
import Foundation

/// Writes a native file front to back: tensors one at a time, then tokenizer, metadata and directory.
///
/// The file appears under its name only after ``finish(metadata:tokenizer:)``.
public final class NativeWriter {
  private let file: AtomicFile
  private var tensors: [NativeTensor] = []

  /// Starts a file. - Throws: ``CogError`` when the place cannot be written.
  public init(path: String) throws {
    file = try AtomicFile(path: path)
    try file.write([UInt8](repeating: 0, count: NativeHeader.alignment))
  }

  /// The path that the file will have.
  public var path: String { file.path }

  /// Writes one tensor.
  ///
  /// - Parameters:
  ///   - bytes: the elements in `encoding`, exactly as many as the shape asks for.
  ///   - sourceType: the element type in the checkpoint.
  ///   - error: what the encoding lost.
  /// - Throws: ``CogError`` when the number of bytes is wrong or the disk fails.
  public func append(
    name: String, shape: Shape, encoding: TensorEncoding, bytes: UnsafeRawBufferPointer, sourceType: ElementType,
    error: StorageError
  ) throws {
    let expected = try encoding.byteCount(of: shape)
    guard bytes.count == expected, shape.rank <= NativeDirectory.maximumRank else {
      throw CogError(
        "a tensor cannot be stored", file: path, subject: name, expected: "\(expected) bytes, at most 4 dimensions",
        found: "\(bytes.count) bytes, \(shape)")
    }
    try file.pad(to: NativeHeader.alignment)
    tensors.append(
      NativeTensor(
        name: name, shape: shape, encoding: encoding, offset: file.offset, byteCount: bytes.count,
        checksum: Checksum.crc32(bytes), sourceType: sourceType, error: error))
    try file.write(bytes)
  }

  /// Writes what follows the tensors, makes the file durable and gives it its name.
  ///
  /// - Parameter tokenizer: the tokenizer in the form of `Formats/tokenizer.md`.
  /// - Throws: ``CogError`` when the disk fails; nothing appears under the name then.
  public func finish(metadata: NativeMetadata, tokenizer: [UInt8]) throws {
    try file.pad(to: NativeHeader.alignment)
    var header = NativeHeader()
    header.data = .init(offset: NativeHeader.alignment, count: file.offset - NativeHeader.alignment)
    header.tokenizer = try append(tokenizer)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let metadataBytes = try Array(encoder.encode(metadata))
    header.metadata = try append(metadataBytes)
    let directory = NativeDirectory.encode(tensors)
    header.directory = try append(directory)
    header.tensorCount = tensors.count
    header.indexChecksum = metadataBytes.withUnsafeBytes {
      Checksum.crc32($0, continuing: Checksum.crc32(directory))
    }
    header.tokenizerChecksum = Checksum.crc32(tokenizer)
    header.fileSize = file.offset
    try header.encoded().withUnsafeBytes { try file.write($0, at: 0) }
    try file.commit()
  }

  /// Removes what was written. An object that goes away unfinished does the same.
  public func abandon() { file.abandon() }

  private func append(_ bytes: [UInt8]) throws -> NativeHeader.Section {
    try file.pad(to: 64)
    let section = NativeHeader.Section(offset: file.offset, count: bytes.count)
    try file.write(bytes)
    return section
  }
}
