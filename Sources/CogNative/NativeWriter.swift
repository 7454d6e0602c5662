package import CogBase
package import CogModel

/// Writes a native file: tensors one at a time, then tokenizer, metadata and directory.
///
/// Tensors follow each other as they come, or come in any order to places that ``reserve(_:)`` fixed. The
/// file appears under its name only after ``finish(metadata:tokenizer:)``.
package final class NativeWriter {
  /// What is known of a tensor before it is written, and what its place follows from.
  package struct Reservation: Equatable, Sendable {
    /// The tensor's name.
    package let name: String
    /// Its shape.
    package let shape: Shape
    /// How its elements will be stored.
    package let encoding: TensorEncoding

    /// A tensor that will come.
    package init(name: String, shape: Shape, encoding: TensorEncoding) {
      self.name = name
      self.shape = shape
      self.encoding = encoding
    }
  }

  private struct Place {
    let reservation: Reservation
    let offset: Int
    /// The tensor's number in the directory.
    let order: Int
    var isBegun = false
  }

  private let file: AtomicFile
  /// Where the next thing goes that has no place yet. Gaps before it are holes, which read as zeros.
  private var end = NativeHeader.alignment
  private var tensors: [TensorEntry] = []
  /// The places of all tensors, of those that are still to come too.
  private var places: [String: Place] = [:]
  /// The tensor between ``begin(name:shape:encoding:sourceType:)`` and ``end(error:)``.
  private var current: TensorEntry?
  /// Bytes of it that were written, and their CRC-32.
  private var written = 0
  private var checksum: UInt32 = 0

  /// Starts a file. - Throws: ``CogError`` when the place cannot be written.
  package init(path: String) throws { file = try AtomicFile(path: path, inHugePages: true) }

  /// Gives tensors their places, one after another in this order; they may then be written in any order.
  ///
  /// The file is the same as when they are written in this order without reservations.
  ///
  /// - Throws: ``CogError`` when a name stands twice or was written before, a tensor is begun, or the sizes
  ///   do not fit 63 bits.
  package func reserve(_ list: [Reservation]) throws {
    if let current { throw misuse(current.name, "places are fixed before it is complete") }
    for reservation in list {
      guard places[reservation.name] == nil else { throw misuse(reservation.name, "its name stands twice") }
      let offset = try Checked.alignUp(end, to: NativeHeader.alignment, "bytes of the file")
      let byteCount = try reservation.encoding.byteCount(of: reservation.shape)
      places[reservation.name] = Place(reservation: reservation, offset: offset, order: places.count)
      end = try Checked.add(offset, byteCount, "bytes of the file")
    }
  }

  /// The path that the file will have.
  package var path: String { file.path }

  /// Writes one tensor whose bytes are all at hand.
  ///
  /// - Parameters:
  ///   - bytes: the elements in `encoding`, exactly as many as the shape asks for.
  ///   - sourceType: the element type in the checkpoint.
  ///   - error: what the encoding lost.
  /// - Throws: ``CogError`` when the number of bytes is wrong or the disk fails.
  package func append(
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
  /// - Throws: ``CogError`` when the format cannot hold the tensor, its name was written before, another
  ///   tensor is not ended yet, or the reservations have it otherwise.
  package func begin(name: String, shape: Shape, encoding: TensorEncoding, sourceType: ElementType) throws {
    guard current == nil else { throw misuse(name, "the tensor before it is not complete") }
    guard places[name]?.isBegun != true else { throw misuse(name, "it was written before") }
    guard shape.rank <= NativeDirectory.maximumRank else {
      throw misuse(name, "it has more than \(NativeDirectory.maximumRank) dimensions: \(shape)")
    }
    for family in [encoding.family, .plain(sourceType)] where family.directoryCode == nil {
      throw misuse(name, "the format has no element type \(family.name)")
    }
    let wanted = Reservation(name: name, shape: shape, encoding: encoding)
    if places[name] == nil { try reserve([wanted]) }
    guard let place = places[name], place.reservation == wanted else {
      throw misuse(name, "its shape or encoding is not the one that its place was fixed for")
    }
    places[name]?.isBegun = true
    current = TensorEntry(
      name: name, shape: shape, encoding: encoding, file: path, offset: place.offset,
      byteCount: try encoding.byteCount(of: shape), sourceType: sourceType, checksum: 0, error: .none)
    written = 0
    checksum = 0
  }

  /// Writes the next bytes of the tensor that was begun.
  ///
  /// - Throws: ``CogError`` when they are more than the shape asks for or the disk fails.
  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    guard let current else { throw misuse(nil, "bytes come before a tensor") }
    let left = current.byteCount - written
    guard bytes.count <= left else {
      throw misuse(current.name, "\(bytes.count) bytes come where \(left) of \(current.byteCount) are left")
    }
    checksum = Checksum.crc32(bytes, continuing: checksum)
    try file.write(bytes, at: (current.offset ?? 0) + written)
    written += bytes.count
  }

  /// Ends the tensor that was begun.
  ///
  /// - Parameter error: what the encoding lost.
  /// - Throws: ``CogError`` when bytes are missing.
  package func end(error: StorageError) throws {
    guard var tensor = current else { throw misuse(nil, "no tensor was begun") }
    guard written == tensor.byteCount else {
      throw misuse(tensor.name, "\(written) of its \(tensor.byteCount) bytes were written")
    }
    (tensor.checksum, tensor.error) = (checksum, error)
    tensors.append(tensor)
    current = nil
  }

  private func misuse(_ tensor: String?, _ why: String) -> CogError {
    CogError("the tensor cannot be stored: \(why)", file: path, subject: tensor)
  }

  /// Writes what follows the tensors, makes the file durable and gives it its name.
  ///
  /// - Parameter tokenizer: the tokenizer in the form of `Formats/tokenizer.md`.
  /// - Returns: the bytes of the file.
  /// - Throws: ``CogError`` when a tensor is not ended or did not come, or the disk fails; nothing appears
  ///   under the name then.
  @discardableResult
  package func finish(metadata: NativeMetadata, tokenizer: [UInt8]) throws -> Int {
    if let current { throw misuse(current.name, "it is not complete") }
    if let missing = places.values.filter({ !$0.isBegun }).min(by: { $0.order < $1.order }) {
      throw misuse(missing.reservation.name, "it has a place but was not written")
    }
    tensors.sort { (places[$0.name]?.order ?? 0) < (places[$1.name]?.order ?? 0) }
    end = try Checked.alignUp(end, to: NativeHeader.alignment, "bytes of the file")
    var header = NativeHeader()
    header.data = .init(offset: NativeHeader.alignment, count: end - NativeHeader.alignment)
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
    header.fileSize = end
    try header.encoded().withUnsafeBytes { try file.write($0, at: 0) }
    try file.commit()
    return header.fileSize
  }

  /// Bytes that the file has beside its tensors, each of them padded: an upper bound for the check of free
  /// space.
  ///
  /// - Parameter nameBytes: bytes of all tensors' names together.
  package static func overhead(tensorCount: Int, nameBytes: Int, metadataBytes: Int, tokenizerBytes: Int)
    -> Int
  {
    2 * NativeHeader.alignment + 3 * 64 + tensorCount * NativeDirectory.entryBytes + nameBytes + metadataBytes
      + tokenizerBytes + AtomicFile.spareBytes
  }

  /// Bytes that a tensor takes in the file together with the padding that follows it.
  ///
  /// - Throws: ``CogError`` when the number does not fit 63 bits.
  package static func paddedByteCount(of shape: Shape, in encoding: TensorEncoding) throws -> Int {
    try Checked.alignUp(encoding.byteCount(of: shape), to: NativeHeader.alignment, "bytes of a tensor")
  }

  /// Removes what was written. An object that goes away unfinished does the same.
  package func abandon() { file.abandon() }

  private func append(_ bytes: [UInt8]) throws -> NativeHeader.Section {
    let offset = try Checked.alignUp(end, to: 64, "bytes of the file")
    try bytes.withUnsafeBytes { try file.write($0, at: offset) }
    end = try Checked.add(offset, bytes.count, "bytes of the file")
    return NativeHeader.Section(offset: offset, count: bytes.count)
  }
}
