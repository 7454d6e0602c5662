package import CogBase
package import CogModel

/// A PyTorch file as `torch.save` writes it since version 1.6 (a zip archive with a pickle), mapped.
///
/// The pickle is read by a machine that calls nothing; storages stay in the file until they are used. A
/// storage's CRC-32 is checked before its bytes are handed out the first time. Tensors that lie row by row in
/// a stored entry are slices of the mapping; deflated entries and strided views take memory as long as their
/// bytes are used.
package final class TorchFile: CheckpointStore {
  /// The path as it was given.
  package let path: String
  /// Numbers and short strings that stand beside the tensors, such as `epoch`.
  package let metadata: [String: String]
  /// Entries beside a nested `state_dict` that are not read, such as the state of an optimizer.
  package let ignoredEntries: [String]
  private let archive: ZipArchive
  private let table: EntryTable
  /// The layout of each tensor and the zip entry of its storage.
  private let layouts: [Layout]

  private struct Layout {
    let tensor: TorchTensor
    /// The place of the storage in the archive.
    let zipEntry: Int
  }

  private static let longestPickle = 64 << 20

  /// Opens the file, reads its pickle and checks every tensor against the storages.
  ///
  /// - Throws: ``CogError`` when the file cannot be read, is something else, is damaged, is big-endian, or
  ///   asks for anything that tensors do not need.
  package convenience init(path: String) throws { try self.init(MappedFile(path: path)) }

  /// The same of a file that is mapped. - Throws: as ``init(path:)``.
  package init(_ mapping: MappedFile) throws {
    path = mapping.path
    let path = path
    let archive = try ZipArchive(mapping)
    self.archive = archive
    let folder = try naming(file: path) { try Self.findFolder(archive) }
    let (contents, heap) = try naming(file: path) { try Self.readPickle(archive, folder: folder) }
    var found: [(entry: TensorEntry, layout: Layout)] = []
    found.reserveCapacity(contents.tensors.count)
    var entryByStorage = [Int?](repeating: nil, count: heap.storages.count)
    for (name, place) in contents.tensors {
      let tensor = heap.tensors[place]
      let storage = heap.storages[tensor.storage]
      let zipEntry = try entryByStorage[tensor.storage] ?? Self.findEntry(storage, archive, folder: folder)
      entryByStorage[tensor.storage] = zipEntry
      let layout = Layout(tensor: tensor, zipEntry: zipEntry)
      let entry = TensorEntry(
        name: name, type: tensor.elementType, shape: tensor.shape, file: path,
        offset: Self.range(of: layout, archive)?.lowerBound, byteCount: tensor.byteCount)
      found.append((entry, layout))
    }
    try naming(file: path) { try Self.requireBelievable(found, archive) }
    func start(_ layout: Layout) -> Int {
      archive.entries[layout.zipEntry].dataRange.lowerBound + layout.tensor.byteOffset
    }
    found.sort { (start($0.layout), $0.entry.name) < (start($1.layout), $1.entry.name) }
    table = try EntryTable(found.map(\.entry))
    layouts = found.map(\.layout)
    metadata = contents.metadata
    ignoredEntries = contents.ignoredEntries
  }

  /// All tensors by the place of their first byte in the file. An entry has no offset where its bytes
  /// are compressed or do not lie row by row.
  package var entries: [TensorEntry] { table.entries }

  /// The one file.
  package var parts: [CheckpointFile] {
    [CheckpointFile(path: path, kind: .torchZip, byteCount: archive.mapping.bytes.count)]
  }

  /// The tensor of a name, or nil.
  package func entry(named name: String) -> TensorEntry? { table.entry(named: name) }

  /// The tensor's bytes, after the checksum of their storage was checked.
  ///
  /// - Throws: ``CogError`` when there is no such tensor or its storage is damaged.
  package func bytes(of entry: TensorEntry) throws -> OwnedBytes {
    guard let index = table.index(of: entry.name) else { throw missing(entry.name) }
    do {
      return try bytes(layouts[index])
    } catch let error as CogError {
      throw error.concerning("tensor \(entry.name)").inFile(path)
    }
  }

  private func bytes(_ layout: Layout) throws -> OwnedBytes {
    let tensor = layout.tensor
    let storage = try archive.data(at: layout.zipEntry)
    // Within the storage: checked against the entry's size when the file was opened.
    let extent = storage[tensor.byteOffset..<tensor.byteOffset + tensor.byteExtent]
    if tensor.isContiguous { return extent }
    let buffer = try HeapBuffer(byteCount: tensor.byteCount)
    extent.withUnsafeBytes { gather(tensor, from: $0, into: buffer.mutableBytes) }
    return OwnedBytes(buffer.bytes, owner: buffer)
  }

  /// Lets the pages of the tensor's storage go, and what was inflated after the last tensor of a storage.
  package func release(_ entry: TensorEntry) {
    guard let index = table.index(of: entry.name) else { return }
    let range = Self.range(of: layouts[index], archive) ?? archive.entries[layouts[index].zipEntry].dataRange
    archive.mapping.letGo(range)
    let isLast = index + 1 == layouts.count || layouts[index + 1].zipEntry != layouts[index].zipEntry
    if isLast { archive.letGo() }
  }

  /// Where the tensor's bytes lie in the file, or nil when they are compressed or not in row-major order.
  private static func range(of layout: Layout, _ archive: ZipArchive) -> Range<Int>? {
    let entry = archive.entries[layout.zipEntry]
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
        "a zip archive, but no PyTorch file", code: .unsupported, expected: "an entry data.pkl",
        found: names.isEmpty ? "no entries" : names, advice: "If the weights are inside, unpack it first.")
    }
    guard folders.count == 1 else {
      throw CogError(
        "the archive has several pickles",
        found: folders.map { $0 + TorchLayout.pickle }.joined(separator: ", "))
    }
    guard archive.index(of: folder + "constants.pkl") == nil else {
      throw CogError(
        "a TorchScript program, which is code and not only tensors", code: .unsupported,
        expected: "a file of torch.save",
        advice: "Save its state_dict() with torch.save, or as safetensors.")
    }
    return folder
  }

  /// How many times all that is believed a reader may have to inflate, when tensors that share deflated
  /// storages are asked for in the worst order.
  private static let mostInflating = 16

  /// Checks that all tensors together are not far larger than the file: views of one storage, repeated
  /// elements and deflated zeros would let a small file ask for any time and memory.
  private static func requireBelievable(
    _ tensors: [(entry: TensorEntry, layout: Layout)], _ archive: ZipArchive
  ) throws {
    let fileBytes = archive.mapping.bytes.count
    let limit = try Checked.add(Checked.multiply(4, fileBytes, "bytes"), 256 << 20, "bytes")
    let total = try tensors.reduce(0) { try Checked.add($0, $1.entry.byteCount, "bytes of all tensors") }
    guard total <= limit else {
      throw CogError(
        "the tensors are far larger than the file", expected: "at most \(limit) bytes together",
        found: "\(total)")
    }
    let mostInflated = try Checked.multiply(mostInflating, limit, "bytes to inflate")
    let inflated = try tensors.map { archive.entries[$0.layout.zipEntry] }.reduce(0) { sum, storage in
      storage.method == .deflated ? try Checked.add(sum, storage.size, "bytes to inflate") : sum
    }
    guard inflated <= mostInflated else {
      throw CogError(
        "the tensors share deflated storages that are far larger than the file",
        expected: "at most \(mostInflated) bytes to inflate for all of them", found: "\(inflated)",
        advice: "Load it with PyTorch and save it again: torch.save does not deflate.")
    }
  }

  /// Checks the byte order, then runs the pickle.
  private static func readPickle(_ archive: ZipArchive, folder: String) throws -> (TorchContents, PickleHeap)
  {
    if let index = archive.index(of: folder + "byteorder") {
      let order = try archive.data(at: index, limit: 64)
      let text = order.withUnsafeBytes { String(decoding: $0.prefix(16), as: UTF8.self) }
      guard text == "little" else {
        throw CogError(
          "the byte order is not read", code: .unsupported, subject: folder + "byteorder", expected: "little",
          found: text,
          advice: "Load and save the file again with PyTorch on a little-endian machine.")
      }
    }
    guard let index = archive.index(of: folder + TorchLayout.pickle) else {
      throw CogError("the zip entry is missing", code: .incomplete, subject: folder + TorchLayout.pickle)
    }
    let pickle = try archive.data(at: index, limit: longestPickle)
    guard pickle.count <= longestPickle else {
      throw CogError(
        "the pickle is too long", subject: folder + TorchLayout.pickle,
        expected: "at most \(longestPickle) bytes",
        found: "\(pickle.count)")
    }
    return try pickle.withUnsafeBytes { bytes in
      var machine = PickleMachine(bytes)
      let root = try machine.run()
      return (try TorchContents(root: root, heap: machine.heap), machine.heap)
    }
  }

  /// The zip entry of a storage, which must be as long as the pickle says.
  private static func findEntry(_ storage: TorchStorage, _ archive: ZipArchive, folder: String) throws -> Int
  {
    let name = folder + "data/" + storage.key
    guard let index = archive.index(of: name) else {
      throw CogError(
        "the storage is missing in the archive", code: .incomplete, file: archive.mapping.path, subject: name,
        advice: "The file is not complete: download it again.")
    }
    let expected = try storage.byteCount()
    guard archive.entries[index].size == expected else {
      throw CogError(
        "the storage has another length than the pickle says", code: .damaged, file: archive.mapping.path,
        subject: name,
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
