import Testing

/// A change to a good file that makes it lie, with every checksum right.
struct Deceit: Sendable, CustomTestStringConvertible {
  let name: String
  /// Words that the error has.
  let says: String
  /// Whether only a reader that knows the model's sizes and tensors sees it.
  let needsModelTable: Bool
  let change: @Sendable (inout RawNativeFile) -> Void

  init(
    _ name: String, says: String, needsModelTable: Bool = false,
    _ change: @escaping @Sendable (inout RawNativeFile) -> Void
  ) {
    self.name = name
    self.says = says
    self.needsModelTable = needsModelTable
    self.change = change
  }

  var testDescription: String { name }

  static let all = header + places + entries + names + metadata

  private static let header = [
    Deceit("another size of the header", says: "header has another size") { $0.headerBytes = 256 },
    Deceit("another alignment", says: "alignment") { $0.alignment = 64 },
    Deceit("reserved header bytes in use", says: "reserved bytes") { $0.reserved[19] = 1 },
    Deceit("a file size beyond 63 bits", says: "file size") { $0.fileSize = .max },
    Deceit("data beyond the file", says: "outside of the file") { $0.dataSection = (4096, 1 << 40) },
    Deceit("a directory at the end of all numbers", says: "outside of the file") {
      $0.directorySection = (UInt64(Int.max), 1)
    },
    Deceit("a directory larger than 63 bits", says: "too large") { $0.directorySection = (4096, .max) },
    Deceit("metadata over the data", says: "overlap") { $0.metadataSection = (4096, 64) },
    Deceit("a tokenizer in the header", says: "misplaced") { $0.tokenizerSection = (64, 64) },
    Deceit("a tokenizer between two lines", says: "misplaced") { $0.tokenizerSection = (4097, 3) },
    Deceit("more tensors than entries", says: "directory is too short") { $0.tensorCount = .max },
    Deceit("fewer tensors than entries", says: "directory's names") { $0.tensorCount = 2 },
    Deceit("no tensors", says: "bytes follow the directory's names") { $0.tensorCount = 0 },
  ]

  private static let places = [
    Deceit("a tensor before the data", says: "misplaced") { $0.entries[0].offset = 0 },
    Deceit("a tensor between two pages", says: "misplaced") { $0.entries[1].offset += 64 },
    Deceit("a tensor over the one before", says: "misplaced") { $0.entries[1].offset = $0.entries[0].offset },
    Deceit("a tensor behind the data", says: "misplaced") { $0.entries[3].offset = 1 << 40 },
    Deceit("an offset beyond 63 bits", says: "offset of a tensor") { $0.entries[3].offset = .max },
    Deceit("the last tensor over the end of the data", says: "misplaced") {
      $0.dataSection = (4096, UInt64($0.data.count) - 4096)
    },
    Deceit("entries not in the order of their data", says: "misplaced") {
      let (first, second) = ($0.entries[1].offset, $0.entries[2].offset)
      ($0.entries[1].offset, $0.entries[2].offset) = (second, first)
    },
  ]

  private static let entries = [
    Deceit("a size that does not fit the shape", says: "does not fit the shape") {
      $0.entries[0].byteCount += 1
    },
    Deceit("a size beyond 63 bits", says: "size of a tensor") { $0.entries[0].byteCount = .max },
    Deceit("an unknown encoding", says: "encoding is unknown") { $0.entries[0].encoding = 5 },
    Deceit("a group size of 0", says: "32, 64 or 128") { $0.entries[0].groupSize = 0 },
    Deceit("a group size of 48", says: "32, 64 or 128") { $0.entries[0].groupSize = 48 },
    Deceit("a plain tensor with groups", says: "group size") { $0.entries[1].groupSize = 32 },
    Deceit("nine dimensions", says: "too many dimensions") { $0.entries[0].rank = 9 },
    Deceit("a dimension behind the last", says: "follows the last one") { $0.entries[1].dimensions[3] = 1 },
    Deceit("a dimension beyond 63 bits", says: "dimension") { $0.entries[0].dimensions[0] = .max },
    Deceit("a shape that overflows", says: "too large") { entry in
      entry.entries[1].rank = 4
      entry.entries[1].dimensions = [1 << 40, 1 << 40, 1 << 40, 1 << 40]
    },
    Deceit("a quantized shape that overflows behind a 0", says: "too large") { entry in
      entry.entries[0].rank = 4
      entry.entries[0].dimensions = [0, 1 << 40, 1 << 40, 1 << 40]
    },
    Deceit("a shape that fits the size and not the model", says: "wrong shape", needsModelTable: true) {
      $0.entries[1].rank = 2
      $0.entries[1].dimensions = [1, $0.entries[1].dimensions[0], 0, 0]
    },
    Deceit("an unknown source type", says: "source's element type") { $0.entries[1].sourceType = 0 },
    Deceit("an error that is no number", says: "error measure") { $0.entries[0].relativeRMS = .nan },
    Deceit("a negative error", says: "error measure") { $0.entries[0].worstGroup = -1 },
    Deceit("reserved bytes of an entry in use", says: "reserved bytes") { $0.entries[0].reserved[31] = 1 },
    Deceit("a missing tensor", says: "a tensor is missing", needsModelTable: true) {
      let last = $0.entries.removeLast()
      $0.names.removeLast(Int(last.nameLength))
    },
  ]

  private static let names = [
    Deceit("a name that starts in the one before", says: "name is misplaced") {
      $0.entries[1].nameOffset -= 1
    },
    Deceit("a name that ends behind the directory", says: "ends too early") {
      $0.entries[$0.entries.count - 1].nameLength = .max
    },
    Deceit("bytes behind the last name", says: "follow the directory's names") { $0.names += [0x61] },
    Deceit("a name that is not UTF-8", says: "not UTF-8") { $0.names[0] = 0xFF },
    Deceit("a name that stands twice", says: "stands twice") {
      // The second name becomes the first; the names behind it move.
      let second = $0.names[range(of: 1, in: $0)]
      let first = $0.names[range(of: 0, in: $0)]
      $0.entries[1].nameLength = UInt32(first.count)
      $0.names.replaceSubrange(second.startIndex..<second.endIndex, with: first)
      var offset = 0
      for index in $0.entries.indices {
        $0.entries[index].nameOffset = UInt32(offset)
        offset += Int($0.entries[index].nameLength)
      }
    },
    Deceit("a name that the model does not have", says: "missing", needsModelTable: true) {
      $0.names[0] = UInt8(ascii: "M")
    },
    Deceit("a tensor too many", says: "no such tensor", needsModelTable: true) {
      var extra = $0.entries[$0.entries.count - 1]
      extra.offset += 4096
      extra.nameOffset = UInt32($0.names.count)
      extra.nameLength = 5
      $0.names += Array("extra".utf8)
      $0.data += [UInt8](repeating: 0, count: 4096)
      $0.entries.append(extra)
    },
  ]

  private static func range(of index: Int, in file: RawNativeFile) -> Range<Int> {
    let start = Int(file.entries[index].nameOffset)
    return start..<start + Int(file.entries[index].nameLength)
  }

  private static let metadata = [
    Deceit("metadata that is no JSON", says: "not valid JSON") { $0.metadata = Array("{".utf8) },
    Deceit("metadata that is nested too deep", says: "nesting") {
      $0.metadata = [UInt8](repeating: UInt8(ascii: "["), count: 1 << 16)
    },
    Deceit("metadata with a key twice", says: "stands twice") {
      $0.metadata = Array("{\"config\":\"\",".utf8) + $0.metadata.dropFirst()
    },
    Deceit("ids that end an answer and are none", says: "endOfText") {
      $0.metadata = Array("{\"endOfText\":[1,-1],".utf8) + $0.metadata.dropFirst()
    },
    Deceit("empty metadata", says: "metadata") { $0.metadata = [] },
    Deceit("metadata without a recipe", says: "recipe") {
      $0.metadata = Array("{\"config\":\"{}\",\"provenance\":{\"tool\":\"\",\"sources\":[]}}".utf8)
    },
    Deceit("a configuration of another type", says: "config") {
      $0.metadata = Array("{\"config\":1,\"provenance\":{},\"recipe\":{}}".utf8)
    },
    Deceit("a configuration with other sizes", says: "wrong shape", needsModelTable: true) {
      $0.replaceInMetadata("\\\"vocab_size\\\": 40", with: "\\\"vocab_size\\\": 1048576")
    },
    Deceit("a configuration with more layers", says: "missing", needsModelTable: true) {
      $0.replaceInMetadata("\\\"num_hidden_layers\\\": 1", with: "\\\"num_hidden_layers\\\": 4096")
    },
    Deceit("a configuration without heads", says: "num_attention_heads", needsModelTable: true) {
      $0.replaceInMetadata("\\\"num_attention_heads\\\": 2", with: "\\\"num_attention_heads\\\": 0")
    },
    Deceit("metadata beyond the limit", says: "metadata is too large") {
      $0.metadata = [UInt8](repeating: UInt8(ascii: " "), count: (1 << 24) + 1)
    },
  ]
}

extension RawNativeFile {
  /// Replaces text of the metadata; that it was there is the caller's care.
  mutating func replaceInMetadata(_ old: String, with new: String) {
    metadata = Array(String(decoding: metadata, as: UTF8.self).replacing(old, with: new).utf8)
  }
}
