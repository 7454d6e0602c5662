import CogBase

/// The index of a sharded checkpoint: which file holds which tensor.
///
/// Source: `model.safetensors.index.json` and `pytorch_model.bin.index.json` as transformers writes them:
/// `{"metadata": {...}, "weight_map": {tensor: file}}`.
struct ShardIndex {
  /// The index.
  let file: CheckpointFile
  /// The path of the index.
  var path: String { file.path }
  /// The names of the shards, sorted.
  let shards: [String]
  /// The shard of each tensor.
  let shardByTensor: [String: String]

  private static let largest = 16 << 20

  /// Reads and checks the index; the shards are not opened.
  ///
  /// - Throws: ``CogError`` when it is not JSON, has a tensor twice, maps nothing, or names a file outside
  ///   its folder.
  init(_ recognized: RecognizedFile) throws {
    file = CheckpointFile(recognized)
    let file = try recognized.mapped()
    defer { withExtendedLifetime(file) {} }
    shardByTensor = try naming(file: file.path) {
      guard file.bytes.count <= Self.largest else {
        throw CogError(
          "the index is too long", expected: "at most \(Self.largest) bytes", found: "\(file.bytes.count)")
      }
      let root = try JSON.parse(file.bytes, what: "index")
      guard let members = root["weight_map"]?.members else {
        throw CogError("the index has no object weight_map", found: root["weight_map"]?.kind ?? root.kind)
      }
      guard !members.isEmpty else { throw CogError("the index maps no tensor", subject: "weight_map") }
      try SafetensorsHeader.requireBelievableNames(members)
      var map: [String: String] = [:]
      for member in members {
        guard let shard = member.value.text else {
          throw CogError(
            "the index maps a tensor to something that is no file name", subject: member.key,
            found: member.value.kind)
        }
        try Self.requirePlain(shard, tensor: member.key)
        map[member.key] = shard
      }
      return map
    }
    shards = Set(shardByTensor.values).sorted()
  }

  /// A shard lies beside its index: no path, no parent folder, no control character.
  private static func requirePlain(_ shard: String, tensor: String) throws {
    let isPlain = shard.utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "\\") }
    guard isPlain, !["", ".", ".."].contains(shard), shard.utf8.count <= 255 else {
      throw CogError(
        "the index names a file outside its folder", subject: tensor, expected: "a plain file name",
        found: shard)
    }
  }
}
