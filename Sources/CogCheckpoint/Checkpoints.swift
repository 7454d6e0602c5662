import CogBase
import CogModel

/// Opens checkpoints of every form that is read.
package enum Checkpoints {
  /// Opens a folder, the index of a sharded checkpoint, or a single file; which one it is, its content tells.
  ///
  /// In a folder, the first of these is taken: `model.safetensors.index.json`, `model.safetensors`, all
  /// `*.safetensors`, `pytorch_model.bin.index.json`, `pytorch_model.bin`.
  ///
  /// - Throws: ``CogError`` that names what the path is when it is no checkpoint, or what is wrong with the
  ///   checkpoint.
  package static func open(path: String) throws -> any CheckpointStore { try open(RecognizedPath(path)) }

  /// The same of a path that was looked at.
  package static func open(_ place: RecognizedPath) throws -> any CheckpointStore {
    switch place {
    case .folder(let path): return try openFolder(path)
    case .file(let file) where file.kind == .shardIndex: return try openIndex(file, givenPath: file.path)
    case .file(let file): return try openFile(file)
    }
  }

  /// Opens a single file of weights.
  ///
  /// - Throws: ``CogError`` that names what the file is when it is something else.
  static func openFile(_ file: RecognizedFile) throws -> any CheckpointStore {
    switch file.kind {
    case .safetensors: return try SafetensorsFile(file.mapped())
    case .torchZip, .zip: return try TorchFile(file.mapped())
    default: throw file.kind.refusal(of: file.path)
    }
  }

  private static func openFile(_ path: String) throws -> any CheckpointStore {
    try openFile(RecognizedFile(path: path))
  }

  private static func openIndex(_ file: RecognizedFile, givenPath: String) throws -> ShardedCheckpoint {
    try ShardedCheckpoint(index: ShardIndex(file), path: givenPath, folder: CheckpointFolder(of: file.path))
  }

  private static func openFolder(_ path: String) throws -> any CheckpointStore {
    let folder = CheckpointFolder(of: path)
    let names = try folder.fileNames()
    let safetensors = names.filter { $0.hasSuffix(".safetensors") }
    if names.contains("model.safetensors.index.json") {
      return try openIndexFile(folder.file("model.safetensors.index.json"), givenPath: path)
    }
    if names.contains("model.safetensors") {
      return try ShardedCheckpoint(path: path, shards: [openFile(folder.file("model.safetensors"))])
    }
    if !safetensors.isEmpty {
      try requireCompleteSet(safetensors, folder)
      return try ShardedCheckpoint(path: path, shards: safetensors.map { try openFile(folder.file($0)) })
    }
    if names.contains("pytorch_model.bin.index.json") {
      return try openIndexFile(folder.file("pytorch_model.bin.index.json"), givenPath: path)
    }
    if names.contains("pytorch_model.bin") {
      return try ShardedCheckpoint(path: path, shards: [openFile(folder.file("pytorch_model.bin"))])
    }
    throw CogError(
      "the folder holds no checkpoint", code: .incomplete, file: path,
      expected: "model.safetensors, pytorch_model.bin, or shards with their index",
      found: names.isEmpty
        ? "no files" : names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", ..." : ""),
      advice: "Give the folder of the download, or one file of weights.")
  }

  /// Opens what is named like an index; what it is instead, if it is not an index, is named.
  private static func openIndexFile(_ path: String, givenPath: String) throws -> ShardedCheckpoint {
    let file = try RecognizedFile(path: path)
    switch file.kind {
    case .shardIndex, .json: return try openIndex(file, givenPath: givenPath)
    default: throw file.kind.refusal(of: path, expected: "the index of a sharded checkpoint (JSON)")
    }
  }

  /// Where files are numbered `-00001-of-00006` and no index tells, the numbering says which one is missing.
  private static func requireCompleteSet(_ names: [String], _ folder: CheckpointFolder) throws {
    let present = Set(names)
    var checkedSets: Set<String> = []
    for name in names {
      guard let numbering = ShardNumbering(name) else { continue }
      let siblings = numbering.siblings()
      guard let first = siblings.first, checkedSets.insert(first).inserted else { continue }
      if let missing = siblings.first(where: { !present.contains($0) }) {
        throw CogError(
          "a shard is missing", code: .incomplete, file: folder.file(missing),
          expected: "\(numbering.count) shards, as \(name) says",
          found: "no such file", advice: "Download it into \(folder.path).")
      }
    }
  }
}

/// The numbers in a shard's name, such as `model-00002-of-00006.safetensors`.
package struct ShardNumbering {
  private let prefix: Substring
  private let suffix: Substring
  private let width: Int
  /// The number of shards of the set.
  package let count: Int

  /// Nil when the name has no such numbers or they do not make sense.
  package init?(_ name: String) {
    guard let dot = name.lastIndex(of: ".") else { return nil }
    let parts = name[..<dot].split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[parts.count - 2] == "of", let count = Int(parts[parts.count - 1]),
      let index = Int(parts[parts.count - 3]), (1...9999).contains(count), (1...count).contains(index)
    else { return nil }
    self.count = count
    width = parts[parts.count - 1].count
    suffix = name[dot...]
    prefix = name[..<parts[parts.count - 3].startIndex]
  }

  /// The names of all shards of the set.
  func siblings() -> [String] {
    (1...count).map { "\(prefix)\(padded($0))-of-\(padded(count))\(suffix)" }
  }

  private func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
