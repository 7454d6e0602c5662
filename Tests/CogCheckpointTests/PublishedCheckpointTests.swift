import CogBase
import CogCheckpoint
import CogModel
import CogTestSupport
import Foundation
import Glibc
import Testing

/// The published checkpoint with its true names, shapes and sizes, but holes in place of its 25 GB.
@Suite(.enabled(if: Fixtures.sharedFolder != nil, "the folder of reference data is not beside the checkout"))
struct PublishedCheckpointTests {
  private struct Published: Decodable {
    struct Shard: Decodable {
      let file: String
      let byteCount: Int
      let tensors: [String: [Int]]

      enum CodingKeys: String, CodingKey {
        case file, tensors
        case byteCount = "file_bytes"
      }
    }
    let totalSize: Int
    let tensorCount: Int
    let shards: [Shard]

    enum CodingKeys: String, CodingKey {
      case shards
      case totalSize = "total_size"
      case tensorCount = "tensor_count"
    }
  }

  private func published() throws -> Published {
    let path = try #require(Fixtures.sharedFolder).appending(path: "reference/published-checkpoint.json")
    return try JSONDecoder().decode(Published.self, from: Data(contentsOf: path))
  }

  /// Writes a shard as the safetensors library lays it out, its data a hole; returns the file's length.
  private func write(_ shard: Published.Shard, in folder: TemporaryFolder) throws -> Int {
    var end = 0
    let entries = shard.tensors.sorted { $0.key < $1.key }.map { name, shape in
      let start = end
      end += 2 * shape.reduce(1, *)
      let sizes = shape.map(String.init).joined(separator: ",")
      return "\"\(name)\":{\"dtype\":\"BF16\",\"shape\":[\(sizes)],\"data_offsets\":[\(start),\(end)]}"
    }
    var header = "{\"__metadata__\":{\"format\":\"pt\"}," + entries.joined(separator: ",") + "}"
    header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    let path = try folder.write(SafetensorsBuilder.file(header: header), as: shard.file)
    let length = 8 + header.utf8.count + end
    #expect(truncate(path, length) == 0)
    return length
  }

  @Test("The published checkpoint's headers are read in a moment, and its 1,029 tensors are complete")
  func opensPublishedCheckpoint() throws {
    let published = try published()
    let folder = try TemporaryFolder()
    for shard in published.shards {
      #expect(try write(shard, in: folder) == shard.byteCount)
    }
    let map = published.shards.flatMap { shard in shard.tensors.keys.map { "\"\($0)\":\"\(shard.file)\"" } }
    _ = try folder.write(
      Array("{\"weight_map\":{\(map.joined(separator: ","))}}".utf8), as: "model.safetensors.index.json")
    let config = try #require(Fixtures.sharedFolder).appending(path: "reference/published-config.json")
    _ = try folder.write(Data(contentsOf: config), as: "config.json")

    let start = ContinuousClock.now
    let source = try Checkpoints.open(path: folder.url.path)
    let completeness = source.completeness(for: try CheckpointFolder(of: folder.url.path).configuration())
    let elapsed = ContinuousClock.now - start
    #expect(elapsed < .seconds(5))
    #expect(completeness.isComplete, "\(completeness.problems)")
    #expect(source.entries.count == published.tensorCount && published.tensorCount == 1029)
    #expect(source.entries.reduce(0) { $0 + $1.byteCount } == published.totalSize)
    // The last bytes of the last shard are in range.
    let last = try #require(source.entries.last)
    #expect(try source.loaded(last.name).bytes.last == 0)
    print("published checkpoint opened and compared in \(elapsed)")
  }
}
