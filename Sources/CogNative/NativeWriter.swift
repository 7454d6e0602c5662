public import CogBase

/// Writes a native file front to back: tensors one at a time, then tokenizer, metadata and directory.
///
/// The file appears under its name only after ``finish(metadata:tokenizer:)``.
public final class NativeWriter {
  private let file: AtomicFile
  private var tensors: [NativeTensor] = []
  private var names: Set<String> = []
  /// The tensor between ``begin(name:shape:encoding:sourceType:)`` and ``end(error:)``.
  private var current: NativeTensor?
  /// CRC-32 of what was written of it.
  private var checksum: UInt32 = 0

  /// Starts a file. - Throws: ``CogError`` when the place cannot be written.
  public init(path: String) throws {
    file = try AtomicFile(path: path)
    try file.write([UInt8](repeating: 0, count: NativeHeader.alignment))
  }

  /// The path that the file will have.
  public var path: String { file.path }

  /// Writes one tensor whose bytes are all at hand.
  ///
  /// - Parameters:
  ///   - bytes: the elements in `encoding`, exactly as many as the shape asks for.
  ///   - sourceType: the element type in the checkpoint.
  ///   - error: what the encoding lost.
  /// - Throws: ``CogError`` when the number of bytes is wrong or the disk fails.
  public func append(
    name: String, shape: Shape, encoding: TensorEncoding, bytes: UnsafeRawBufferPointer,
    sourceType: ElementType,
    error: StorageError
  ) throws {
    try begin(name: name, shape: shape, encoding: encoding, sourceType: sourceType)
    try write(bytes)
    try end(error: error)
  }

  /// Starts a tensor whose bytes come in pieces: ``write(_:)`` them, then ``end(error:)``.
  ///
  /// - Parameter sourceType: the element type in the checkpoint.
  /// - Throws: ``CogError`` when the format cannot hold the tensor, its name was written before, or another
  ///   tensor is not ended yet.
  public func begin(name: String, shape: Shape, encoding: TensorEncoding, sourceType: ElementType) throws {
    guard current == nil else { throw misuse(name, "the tensor before it is not complete") }
    guard names.insert(name).inserted else { throw misuse(name, "it was written before") }
    guard shape.rank <= NativeDirectory.maximumRank else {
      throw misuse(name, "it has more than \(NativeDirectory.maximumRank) dimensions: \(shape)")
    }
    for type in [encoding.plainType, sourceType].compactMap({ $0 })
    where NativeDirectory.code(of: type) == nil {
      throw misuse(name, "the format has no element type \(type.rawValue)")
    }
    let byteCount = try encoding.byteCount(of: shape)
    try file.pad(to: NativeHeader.alignment)
    current = NativeTensor(
      name: name, shape: shape, encoding: encoding, offset: file.offset, byteCount: byteCount, checksum: 0,
      sourceType: sourceType, error: .none)
    checksum = 0
  }

  /// Writes the next bytes of the tensor that was begun.
  ///
  /// - Throws: ``CogError`` when they are more than the shape asks for or the disk fails.
  public func write(_ bytes: UnsafeRawBufferPointer) throws {
    guard let current else { throw misuse(nil, "bytes come before a tensor") }
    let left = current.byteCount - (file.offset - current.offset)
    guard bytes.count <= left else {
      throw misuse(current.name, "\(bytes.count) bytes come where \(left) of \(current.byteCount) are left")
    }
    checksum = Checksum.crc32(bytes, continuing: checksum)
    try file.write(bytes)
  }

  /// Ends the tensor that was begun.
  ///
  /// - Parameter error: what the encoding lost.
  /// - Throws: ``CogError`` when bytes are missing.
  public func end(error: StorageError) throws {
    guard let tensor = current else { throw misuse(nil, "no tensor was begun") }
    guard file.offset == tensor.offset + tensor.byteCount else {
      throw misuse(
        tensor.name, "\(file.offset - tensor.offset) of its \(tensor.byteCount) bytes were written")
    }
    tensors.append(
      NativeTensor(
        name: tensor.name, shape: tensor.shape, encoding: tensor.encoding, offset: tensor.offset,
        byteCount: tensor.byteCount, checksum: checksum, sourceType: tensor.sourceType, error: error))
    current = nil
  }

  private func misuse(_ tensor: String?, _ why: String) -> CogError {
    CogError("the tensor cannot be stored: \(why)", file: path, subject: tensor)
  }

  /// Writes what follows the tensors, makes the file durable and gives it its name.
  ///
  /// - Parameter tokenizer: the tokenizer in the form of `Formats/tokenizer.md`.
  /// - Returns: the bytes of the file.
  /// - Throws: ``CogError`` when a tensor is not ended or the disk fails; nothing appears under the name then.
  @discardableResult
  public func finish(metadata: NativeMetadata, tokenizer: [UInt8]) throws -> Int {
    if let current { throw misuse(current.name, "it is not complete") }
    try file.pad(to: NativeHeader.alignment)
    var header = NativeHeader()
    header.data = .init(offset: NativeHeader.alignment, count: file.offset - NativeHeader.alignment)
    header.tokenizer = try append(tokenizer)
    let metadataBytes = try metadata.section()
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
    return header.fileSize
  }

  /// Bytes that the file has beside its tensors, each of them padded: an upper bound for the check of free space.
  ///
  /// - Parameter nameBytes: bytes of all tensors' names together.
  public static func overhead(tensorCount: Int, nameBytes: Int, metadataBytes: Int, tokenizerBytes: Int)
    -> Int
  {
    2 * NativeHeader.alignment + 3 * 64 + tensorCount * NativeDirectory.entryBytes + nameBytes + metadataBytes
      + tokenizerBytes
  }

  /// Bytes that a tensor takes in the file together with the padding that follows it.
  ///
  /// - Throws: ``CogError`` when the number does not fit 63 bits.
  public static func paddedByteCount(of shape: Shape, in encoding: TensorEncoding) throws -> Int {
    try Checked.alignUp(encoding.byteCount(of: shape), to: NativeHeader.alignment, "bytes of a tensor")
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
