import CogBase
import CogCompute
import Foundation

/// What every item (a video's frames, or a prompt) is at one place of the graph: float32 rows one after
/// another in a file, and beside it a JSON file that says where they are. The second one is written last, so
/// a file without it was not finished.
final class ActivationFile {
  /// The rows of an item.
  struct Item: Codable, Equatable {
    let rows: Int
    let columns: Int
    /// Where its first byte lies.
    let offset: Int

    var byteCount: Int { rows * columns * MemoryLayout<Float>.stride }
  }

  /// What the JSON file says.
  private struct Index: Codable {
    /// What the activations depend on.
    let identity: String
    let items: [Item]
  }

  /// The items in their order.
  private(set) var items: [Item] = []
  private let path: String
  private let file: PartFile
  private var end = 0

  /// A file to be written.
  ///
  /// - Throws: `CogError` when it cannot be created.
  init(creating path: String) throws {
    self.path = path
    Self.remove(path)
    file = try PartFile(path: path, name: path, isContinued: false, keepsPages: true)
  }

  /// A file that an earlier run has finished; nil where there is none of this identity.
  init?(finished path: String, identity: String) {
    guard
      let index = try? MappedFile.withBytes(
        ofFile: Self.indexPath(path),
        {
          try JSONDecoder().decode(Index.self, from: Data($0))
        }), index.identity == identity, let status = FileSystem.status(of: path),
      Int(status.st_size) == index.items.last.map({ $0.offset + $0.byteCount }) ?? 0,
      let file = try? PartFile(path: path, name: path, isContinued: true, keepsPages: true)
    else { return nil }
    self.path = path
    self.file = file
    items = index.items
    end = Int(status.st_size)
  }

  /// Adds an item's rows. - Throws: `CogError` when the disk is full or fails.
  func append(_ value: FloatMatrix) throws {
    let item = Item(rows: value.rows, columns: value.columns, offset: end)
    try file.write(UnsafeRawBufferPointer(start: value.pointer, count: item.byteCount), at: end)
    end += item.byteCount
    items.append(item)
  }

  /// Makes the file durable, and what says that it is finished.
  ///
  /// - Throws: `CogError` when the disk is full or fails.
  func finish(identity: String) throws {
    try file.synchronize()
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let text = try encoder.encode(Index(identity: identity, items: items))
    let index = try AtomicFile(path: Self.indexPath(path))
    try index.write(Array(text))
    try index.commit()
  }

  /// The rows of an item. - Throws: `CogError` when the disk fails.
  func read(_ number: Int) throws -> FloatMatrix {
    let item = items[number]
    let value = FloatMatrix(uninitializedRows: item.rows, columns: item.columns)
    try file.read(
      UnsafeMutableRawBufferPointer(start: value.pointer, count: item.byteCount), at: item.offset)
    return value
  }

  /// Removes a file and what says that it is finished.
  static func remove(_ path: String) {
    for path in [indexPath(path), path] { _ = FileSystem.remove(path) }
  }

  private static func indexPath(_ path: String) -> String { path + ".json" }
}
