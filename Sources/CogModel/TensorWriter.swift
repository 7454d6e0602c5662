package import CogBase

/// Writes one tensor to its place: its bytes in pieces, then what storing it lost.
///
/// It comes from ``ModelSink/begin(_:)``. Bytes without a tensor, or after its end, do not compile; a writer
/// that goes away without ``end(error:)`` leaves the tensor unwritten, which ``ModelSink/finish(_:)`` finds.
package struct TensorWriter: ~Copyable {
  /// What is written.
  package let slot: TensorSlot

  private let file: PartFile
  private let fileName: String
  private let offset: Int
  private let ledger: TensorLedger
  private var written = 0
  private var checksum: UInt32 = 0

  /// A writer for a tensor that has a place in `file`.
  init(_ slot: TensorSlot, file: PartFile, named fileName: String, at offset: Int, in ledger: TensorLedger) {
    self.slot = slot
    self.file = file
    self.fileName = fileName
    self.offset = offset
    self.ledger = ledger
  }

  /// Writes the next bytes.
  ///
  /// - Throws: ``CogError`` when they are more than the shape asks for or the disk fails.
  package mutating func write(_ bytes: UnsafeRawBufferPointer) throws {
    let left = slot.byteCount - written
    guard bytes.count <= left else {
      throw ledger.misuse(
        slot.name, "\(bytes.count) bytes come where \(left) of \(slot.byteCount) are left")
    }
    checksum = Checksum.crc32(bytes, continuing: checksum)
    try file.write(bytes, at: offset + written)
    written += bytes.count
  }

  /// Ends the tensor.
  ///
  /// - Parameter error: what storing it lost.
  /// - Returns: where it lies and what its bytes are.
  /// - Throws: ``CogError`` when bytes are missing.
  @discardableResult
  package consuming func end(error: StorageError) throws -> StoredTensor {
    guard written == slot.byteCount else {
      throw ledger.misuse(slot.name, "\(written) of its \(slot.byteCount) bytes were written")
    }
    let stored = StoredTensor(slot: slot, file: fileName, offset: offset, checksum: checksum, error: error)
    ledger.end(stored)
    return stored
  }
}

/// Which tensors have a place in an output, and which of them are written. What every ``ModelSink`` keeps.
package final class TensorLedger {
  private struct Entry {
    let slot: TensorSlot
    let file: String
    let offset: Int
    var isBegun = false
    var stored: StoredTensor?
  }

  /// The path of the output, for errors.
  private let path: String
  private var entries: [Entry] = []
  private var indexByName: [String: Int] = [:]

  /// An empty ledger for the output at `path`.
  package init(path: String) { self.path = path }

  /// All tensors that have a place, in the order in which they got it.
  package var slots: [TensorSlot] { entries.map(\.slot) }

  /// Whether a tensor has a place.
  package func hasPlace(_ name: String) -> Bool { indexByName[name] != nil }

  /// Gives a tensor a place.
  ///
  /// - Parameters:
  ///   - file: the name of its file in a folder, or empty.
  ///   - offset: where it lies there.
  /// - Throws: ``CogError`` when the name has one.
  package func place(_ slot: TensorSlot, in file: String = "", at offset: Int) throws {
    guard indexByName[slot.name] == nil else { throw misuse(slot.name, "its name stands twice") }
    indexByName[slot.name] = entries.count
    entries.append(Entry(slot: slot, file: file, offset: offset))
  }

  /// Starts a tensor.
  ///
  /// - Parameter open: opens the file of a name.
  /// - Throws: ``CogError`` when its place is for another shape or encoding, it was begun before, or `open`
  ///   fails.
  package func begin(_ slot: TensorSlot, open: (String) throws -> PartFile) throws -> TensorWriter {
    let entry = try take(slot)
    return TensorWriter(slot, file: try open(entry.file), named: entry.file, at: entry.offset, in: self)
  }

  /// Takes a tensor that an earlier run has written for one of this run.
  ///
  /// - Throws: as ``begin(_:open:)``; and when it lies elsewhere.
  package func adopt(_ tensor: StoredTensor, open: (String) throws -> PartFile) throws {
    let entry = try take(tensor.slot)
    guard tensor.file == entry.file, tensor.offset == entry.offset else {
      throw misuse(tensor.slot.name, "it lies elsewhere than its place is")
    }
    try open(entry.file).adopt(tensor.range)
    end(tensor)
  }

  /// The tensors as they were stored, in the order of their places.
  ///
  /// - Throws: ``CogError`` when one was not written or not ended.
  package func stored() throws -> [StoredTensor] {
    try entries.map { entry in
      guard let stored = entry.stored else {
        throw misuse(
          entry.slot.name, entry.isBegun ? "it is not complete" : "it has a place but was not written")
      }
      return stored
    }
  }

  /// The error for a tensor that cannot be stored.
  package func misuse(_ tensor: String, _ why: String) -> CogError {
    CogError("the tensor cannot be stored: \(why)", file: path, subject: tensor)
  }

  fileprivate func end(_ tensor: StoredTensor) {
    if let index = indexByName[tensor.slot.name] { entries[index].stored = tensor }
  }

  private func take(_ slot: TensorSlot) throws -> Entry {
    guard let index = indexByName[slot.name] else { throw misuse(slot.name, "it has no place") }
    guard !entries[index].isBegun else { throw misuse(slot.name, "it was written before") }
    guard entries[index].slot == slot else {
      throw misuse(slot.name, "its shape or encoding is not the one that its place was fixed for")
    }
    entries[index].isBegun = true
    return entries[index]
  }
}
