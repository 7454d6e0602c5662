import CogBase
package import CogModel

/// A PyTorch file as `torch.save` writes it since version 1.6 (a zip archive with a pickle), mapped.
///
/// The pickle is read by a machine that calls nothing; storages stay in the file until they are used. A
/// storage's CRC-32 is checked before its bytes are handed out the first time. Tensors that lie row by row in
/// a stored entry are views of the mapping; deflated entries and strided views take memory as long as the
/// view lives.
package final class TorchFile: CheckpointSource {
  /// The path as it was given.
  package let path: String
  /// Numbers and short strings that stand beside the tensors, such as `epoch`.
  package let metadata: [String: String]
  /// Entries beside a nested `state_dict` that are not read, such as the state of an optimizer.
  package let ignoredEntries: [String]
  private let archive: ZipArchive
  private let table: RecordTable
  /// The layout of each record's tensor and the zip entry of its storage.
  private let layouts: [Layout]

  private struct Layout {
    let tensor: TorchTensor
    let entry: Int
  }

  private static let longestPickle = 64 << 20

  /// Opens the file, reads its pickle and checks every tensor against the storages.
  ///
  /// - Throws: ``CogError`` when the file cannot be read, is something else, is damaged, is big-endian, or
  ///   asks for anything that tensors do not need.
  package init(path: String) throws {
    self.path = path
    let archive = try ZipArchive(path: path)
    self.archive = archive
    let folder = try naming(file: path) { try Self.findFolder(archive) }
    let (contents, heap) = try naming(file: path) { try Self.readPickle(archive, folder: folder) }
    var found: [(record: TensorRecord, layout: Layout)] = []
    found.reserveCapacity(contents.tensors.count)
    var entryByStorage = [Int?](repeating: nil, count: heap.storages.count)
    for (name, place) in contents.tensors {
      let tensor = heap.tensors[place]
      let storage = heap.storages[tensor.storage]
      let entry = try entryByStorage[tensor.storage] ?? Self.findEntry(storage, archive, folder: folder)
      entryByStorage[tensor.storage] = entry
      let layout = Layout(tensor: tensor, entry: entry)
      let record = TensorRecord(
        name: name, elementType: tensor.elementType, shape: tensor.shape, file: path,
        fileOffset: Self.range(of: layout, archive)?.lowerBound, byteCount: tensor.byteCount)
      found.append((record, layout))
    }
    func start(_ layout: Layout) -> Int {
      archive.entries[layout.entry].dataRange.lowerBound + layout.tensor.byteOffset
    }
    found.sort { (start($0.layout), $0.record.name) < (start($1.layout), $1.record.name) }
    table = try RecordTable(found.map(\.record))
    layouts = found.map(\.layout)
    metadata = contents.metadata
    ignoredEntries = contents.ignoredEntries
  }

  /// All tensors by the place of their first byte in the file. A record has no file offset where its bytes
  /// are compressed or do not lie row by row.
  package var records: [TensorRecord] { table.records }

  /// The one file.
  package var files: [String] { [path] }

  /// The record of a tensor, or nil.
  package func record(of name: String) -> TensorRecord? { table.record(of: name) }

  /// The tensor's bytes, after the checksum of their storage was checked.
  ///
  /// - Throws: ``CogError`` when there is no such tensor or its storage is damaged.
  package func view(of name: String) throws -> TensorView {
    guard let index = table.index(of: name) else { throw missing(name) }
    do {
      return try view(layouts[index])
    } catch var error as CogError {
      error.problem = "tensor \(name): \(error.problem)"
      throw error.inFile(path)
    }
  }

  private func view(_ layout: Layout) throws -> TensorView {
    let tensor = layout.tensor
    let storage = try archive.data(at: layout.entry)
    // Within the storage: checked against the entry's size when the file was opened.
    let extent = UnsafeRawBufferPointer(
      rebasing: storage.bytes[tensor.byteOffset..<tensor.byteOffset + tensor.byteExtent])
    if tensor.isContiguous {
      return TensorView(
        elementType: tensor.elementType, shape: tensor.shape, bytes: extent, owner: storage.owner)
    }
    let buffer = try HeapBuffer(byteCount: tensor.byteCount)
    gather(tensor, from: extent, into: buffer.mutableBytes)
    return TensorView(
      elementType: tensor.elementType, shape: tensor.shape, bytes: buffer.bytes, owner: buffer)
  }

  /// Starts reading the pages of the tensor's storage ahead.
  package func prefetch(_ name: String) { advise(.willNeed, name) }

  /// Lets the pages of the tensor's storage go.
  package func release(_ name: String) { advise(.done, name) }

  private func advise(_ advice: MappedFile.Advice, _ name: String) {
    guard let index = table.index(of: name) else { return }
    let range = Self.range(of: layouts[index], archive) ?? archive.entries[layouts[index].entry].dataRange
    archive.mapping.advise(advice, range)
  }

  /// Where the tensor's bytes lie in the file, or nil when they are compressed or not in row-major order.
  private static func range(of layout: Layout, _ archive: ZipArchive) -> Range<Int>? {
    let entry = archive.entries[layout.entry]
    guard entry.method == .stored, layout.tensor.isContiguous else { return nil }
    let start = entry.dataRange.lowerBound + layout.tensor.byteOffset
    return start..<start + layout.tensor.byteCount
  }
}

extension TorchFile {
  /// The name of the archive's one folder with its slash: the one with `data.pkl` in it.
  private static func findFolder(_ archive: ZipArchive) throws -> String {
    let folders = archive.entries.compactMap { TorchLayout.folder(ofPickle: $0.name) }
    guard let folder = folders.first else {
      let names = archive.entries.prefix(3).map(\.name).joined(separator: ", ")
      throw CogError(
        "a zip archive, but no PyTorch file", expected: "an entry data.pkl",
        found: names.isEmpty ? "no entries" : names, advice: "If the weights are inside, unpack it first.")
    }
    guard folders.count == 1 else {
      throw CogError(
        "the archive has several pickles",
        found: folders.map { $0 + TorchLayout.pickle }.joined(separator: ", "))
    }
    guard archive.index(of: folder + "constants.pkl") == nil else {
      throw CogError(
        "a TorchScript program, which is code and not only tensors", expected: "a file of torch.save",
        advice: "Save its state_dict() with torch.save, or as safetensors.")
    }
    return folder
  }

  /// Checks the byte order, then runs the pickle.
  private static func readPickle(_ archive: ZipArchive, folder: String) throws -> (TorchContents, PickleHeap)
  {
    if let index = archive.index(of: folder + "byteorder") {
      let order = try archive.data(at: index, limit: 64)
      let text = String(decoding: order.bytes.prefix(16), as: UTF8.self)
      guard text == "little" else {
        throw CogError(
          "the byte order is not read", subject: folder + "byteorder", expected: "little", found: text,
          advice: "Load and save the file again with PyTorch on a little-endian machine.")
      }
    }
    guard let index = archive.index(of: folder + TorchLayout.pickle) else {
      throw CogError("the zip entry is missing", subject: folder + TorchLayout.pickle)
    }
    let pickle = try archive.data(at: index, limit: longestPickle)
    guard pickle.bytes.count <= longestPickle else {
      throw CogError(
        "the pickle is too long", subject: folder + TorchLayout.pickle,
        expected: "at most \(longestPickle) bytes",
        found: "\(pickle.bytes.count)")
    }
    var machine = PickleMachine(pickle.bytes)
    let root = try machine.run()
    withExtendedLifetime(pickle.owner) {}
    return (try TorchContents(root: root, heap: machine.heap), machine.heap)
  }

  /// The zip entry of a storage, which must be as long as the pickle says.
  private static func findEntry(_ storage: TorchStorage, _ archive: ZipArchive, folder: String) throws -> Int
  {
    let name = folder + "data/" + storage.key
    guard let index = archive.index(of: name) else {
      throw CogError(
        "the storage is missing in the archive", file: archive.mapping.path, subject: name,
        advice: "The file is not complete: download it again.")
    }
    let expected = try storage.byteCount()
    guard archive.entries[index].size == expected else {
      throw CogError(
        "the storage has another length than the pickle says", file: archive.mapping.path, subject: name,
        expected: "\(expected) bytes", found: "\(archive.entries[index].size)")
    }
    return index
  }
}

/// The names inside a PyTorch archive.
enum TorchLayout {
  static let pickle = "data.pkl"

  /// The folder of a pickle's name (`archive/` of `archive/data.pkl`), or nil when the name is another one.
  static func folder(ofPickle name: String) -> String? {
    guard name.hasSuffix(pickle) else { return nil }
    let folder = name.dropLast(pickle.count)
    guard folder.isEmpty || (folder.hasSuffix("/") && folder.dropLast().allSatisfy { $0 != "/" }) else {
      return nil
    }
    return String(folder)
  }
}
