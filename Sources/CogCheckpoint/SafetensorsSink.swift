package import CogBase
package import CogModel
import Foundation

/// Writes a checkpoint folder as transformers has them: shards of safetensors, their index, `config.json`,
/// `tokenizer.json` and, where it says more, `generation_config.json` (`Formats/checkpoints.md`, "Written
/// checkpoints").
///
/// Which shard a tensor goes to follows from all tensors, so they are reserved together.
package final class SafetensorsSink: ModelSink {
  package let part: Part

  /// One file of tensors.
  private struct Shard {
    let name: String
    /// The header with its length in front.
    let header: [UInt8]
    let byteCount: Int
  }

  /// All are open at a time.
  private static let mostShards = 500

  private let shardSize: Int
  private let ledger: TensorLedger
  private var shards: [Shard] = []

  /// A folder that will be at `path`; nothing is written yet.
  ///
  /// - Parameter shardSize: bytes of tensors that a shard has at most, unless a single tensor has more.
  package init(path: String, shardSize: Int = 5_000_000_000) {
    part = Part(path: path, kind: .folder, output: OutputKind(folder: "a checkpoint"))
    self.shardSize = shardSize
    ledger = TensorLedger(path: part.path)
  }

  package var format: String { "safetensors, shards of \(shardSize) bytes" }

  package func canStore(_ encoding: TensorEncoding) -> Bool { encoding.plainType != nil }

  package func largestByteCount(of slots: [TensorSlot], documentBytes: Int) throws -> Int {
    // An entry of a header and of the index; tokenizer.json may have three times the bytes of the compact
    // form.
    let entries = slots.reduce(0) { $0 + 2 * $1.name.utf8.count + 256 }
    return try slots.reduce(entries + 4 * documentBytes + (1 << 16)) { sum, slot in
      try Checked.add(sum, slot.byteCount, "bytes of all tensors")
    }
  }

  package func reserve(_ slots: [TensorSlot]) throws {
    guard shards.isEmpty else {
      throw CogError("the tensors of a checkpoint get their places together", file: path)
    }
    for slot in slots where slot.encoding.plainType == nil {
      throw ledger.misuse(slot.name, "the format has no element type \(slot.encoding.label)")
    }
    let groups = try Self.groups(slots, of: shardSize)
    guard groups.count <= Self.mostShards else {
      throw CogError(
        "the shards are too many", file: path, expected: "at most \(Self.mostShards)",
        found: "\(groups.count) of \(shardSize) bytes", advice: "Choose a larger --shard-size.")
    }
    for (index, group) in groups.enumerated() {
      let name = "model-\(Self.padded(index + 1))-of-\(Self.padded(groups.count)).safetensors"
      shards.append(try place(group, in: name))
    }
  }

  package func begin(_ slot: TensorSlot) throws -> TensorWriter { try ledger.begin(slot, open: part.file) }

  package func adopt(_ tensor: StoredTensor) throws { try ledger.adopt(tensor, open: part.file) }

  @discardableResult
  package func finish(_ documents: ModelDocuments) throws -> Int {
    let tensors = try ledger.stored()
    for shard in shards { try write(shard.header, to: shard.name) }
    var texts = [
      ("config.json", Array(documents.metadata.config.utf8)),
      ("tokenizer.json", try documents.tokenizer.json()),
      ("model.safetensors.index.json", try Self.index(tensors, documents.metadata)),
    ]
    if let ids = documents.metadata.endOfText {
      let list = ids.map(String.init).joined(separator: ", ")
      texts.append(("generation_config.json", Array("{\n  \"eos_token_id\": [\(list)]\n}\n".utf8)))
    }
    for (name, bytes) in texts { try write(bytes, to: name) }
    try part.commit()
    return shards.reduce(0) { $0 + $1.byteCount } + texts.reduce(0) { $0 + $1.1.count }
  }

  private func write(_ bytes: [UInt8], to name: String) throws {
    let file = try part.file(name)
    try bytes.withUnsafeBytes { try file.write($0, at: 0) }
  }
}

// MARK: Places

extension SafetensorsSink {
  /// The tensors of each shard, in order.
  private static func groups(_ slots: [TensorSlot], of shardSize: Int) throws -> [[TensorSlot]] {
    var groups: [[TensorSlot]] = [[]]
    var byteCount = 0
    for slot in slots {
      let sum = try Checked.add(byteCount, slot.byteCount, "bytes of a shard")
      if sum > shardSize, byteCount > 0 {
        groups.append([])
        byteCount = slot.byteCount
      } else {
        byteCount = sum
      }
      groups[groups.count - 1].append(slot)
    }
    return groups
  }

  /// Gives the tensors of a shard their places, the widest elements first: each lies on a multiple of its
  /// elements' width.
  private func place(_ slots: [TensorSlot], in name: String) throws -> Shard {
    let typed = slots.compactMap { slot in slot.encoding.plainType.map { (slot: slot, type: $0) } }
    let ordered = typed.enumerated().sorted {
      (-$0.element.type.bitWidth, $0.offset) < (-$1.element.type.bitWidth, $1.offset)
    }.map(\.element)
    let header = try SafetensorsHeader.encode(
      ordered.map { .init(name: $0.slot.name, type: $0.type, shape: $0.slot.shape) },
      metadata: ["format": "pt"])
    for (tensor, offset) in zip(ordered, header.offsets) {
      try ledger.place(tensor.slot, in: name, at: offset)
    }
    return Shard(name: name, header: header.bytes, byteCount: header.fileSize)
  }

  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }

  /// The index: which shard has which tensor, and where all of it comes from.
  private static func index(_ tensors: [StoredTensor], _ metadata: ModelMetadata) throws -> [UInt8] {
    struct Index: Encodable {
      struct Metadata: Encodable {
        enum CodingKeys: String, CodingKey {
          case totalSize = "total_size"
          case provenance, recipe, warnings
        }
        let totalSize: Int
        let provenance: ModelMetadata.Provenance
        let recipe: ModelMetadata.Recipe
        let warnings: [String]?
      }
      enum CodingKeys: String, CodingKey {
        case metadata
        case weightMap = "weight_map"
      }
      let metadata: Metadata
      let weightMap: [String: String]
    }
    let index = Index(
      metadata: .init(
        totalSize: tensors.reduce(0) { $0 + $1.slot.byteCount }, provenance: metadata.provenance,
        recipe: metadata.recipe, warnings: metadata.warnings),
      weightMap: Dictionary(tensors.map { ($0.slot.name, $0.file) }, uniquingKeysWith: { first, _ in first }))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try Array(encoder.encode(index)) + [UInt8(ascii: "\n")]
  }
}
