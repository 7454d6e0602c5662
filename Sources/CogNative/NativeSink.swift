package import CogBase
package import CogModel

/// Writes a native file (`Formats/native.md`).
///
/// Tensors get their places one after another in the order in which they are reserved; tokenizer, metadata
/// and directory follow them.
package final class NativeSink: ModelSink {
  package let part: Part
  package let format = "cogvlm \(NativeHeader.version)"

  private let ledger: TensorLedger
  /// Where the next thing goes that has no place yet. Gaps before it are holes, which read as zeros.
  private var end = NativeHeader.alignment

  /// A file that will be at `path`; nothing is written yet.
  package init(path: String) {
    part = Part(
      path: path, kind: .file,
      output: OutputKind("a model file", endings: [".cogvlm"], beginning: NativeFormat.magic))
    ledger = TensorLedger(path: path)
  }

  package func canStore(_ encoding: TensorEncoding) -> Bool {
    encoding.directoryCode != nil
  }

  /// The tensors with their padding, and the other sections.
  package func largestByteCount(of slots: [TensorSlot], documentBytes: Int) throws -> Int {
    let names = slots.reduce(0) { $0 + $1.name.utf8.count }
    let overhead =
      2 * NativeHeader.alignment + 3 * 64 + slots.count * NativeDirectory.entryBytes + names + documentBytes
    return try slots.reduce(overhead) { sum, slot in
      let padded = try Checked.alignUp(slot.byteCount, to: NativeHeader.alignment, "bytes of a tensor")
      return try Checked.add(sum, padded, "bytes of the file")
    }
  }

  package func reserve(_ slots: [TensorSlot]) throws {
    for slot in slots {
      guard slot.shape.rank <= NativeDirectory.maximumRank else {
        throw ledger.misuse(
          slot.name, "it has more than \(NativeDirectory.maximumRank) dimensions: \(slot.shape)")
      }
      for family in [slot.encoding.family, .plain(slot.sourceType)] where family.directoryCode == nil {
        throw ledger.misuse(slot.name, "the format has no element type \(family.name)")
      }
      let offset = try Checked.alignUp(end, to: NativeHeader.alignment, "bytes of the file")
      let next = try Checked.add(offset, slot.byteCount, "bytes of the file")
      try ledger.place(slot, at: offset)
      end = next
    }
  }

  package func begin(_ slot: TensorSlot) throws -> TensorWriter { try ledger.begin(slot, open: part.file) }

  package func adopt(_ tensor: StoredTensor) throws { try ledger.adopt(tensor, open: part.file) }

  @discardableResult
  package func finish(_ documents: ModelDocuments) throws -> Int {
    let tensors = try ledger.stored()
    let metadata = try documents.metadata.section()
    let directory = NativeDirectory.encode(tensors)
    let tokenizer = documents.tokenizer.compact
    end = try Checked.alignUp(end, to: NativeHeader.alignment, "bytes of the file")
    var header = NativeHeader()
    header.data = .init(offset: NativeHeader.alignment, count: end - NativeHeader.alignment)
    header.tokenizer = try append(tokenizer)
    header.metadata = try append(metadata)
    header.directory = try append(directory)
    header.tensorCount = tensors.count
    header.indexChecksum = metadata.withUnsafeBytes {
      Checksum.crc32($0, continuing: Checksum.crc32(directory))
    }
    header.tokenizerChecksum = Checksum.crc32(tokenizer)
    header.fileSize = end
    let file = try part.file()
    try header.encoded().withUnsafeBytes { try file.write($0, at: 0) }
    try part.commit()
    return header.fileSize
  }

  private func append(_ bytes: [UInt8]) throws -> NativeHeader.Section {
    let offset = try Checked.alignUp(end, to: 64, "bytes of the file")
    let file = try part.file()
    try bytes.withUnsafeBytes { try file.write($0, at: offset) }
    end = try Checked.add(offset, bytes.count, "bytes of the file")
    return NativeHeader.Section(offset: offset, count: bytes.count)
  }
}
