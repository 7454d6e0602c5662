package import CogBase
import CogCheckpoint
package import CogModel
import CogNative

/// Every tensor of anything that the toolkit reads, quantized ones included, with its bytes: what statistics
/// and comparisons go through.
package final class TensorCatalog: Sendable {
  /// A tensor, before any of its bytes is read.
  package struct Entry: Equatable, Sendable {
    /// Its name.
    package let name: String
    /// How its elements are stored.
    package let encoding: TensorEncoding
    /// Its shape.
    package let shape: Shape
    /// The part of the model, or what its name begins with where the model is not known.
    package let part: String
    /// The layer that its name says, or nil.
    package let layer: LayerName?
    /// Bytes that it takes.
    package let byteCount: Int
    /// The file that holds it.
    package let file: String
    /// Where its first byte lies there, or nil where it is compressed or not stored row by row.
    package let offset: Int?
  }

  /// A tensor's bytes where they lie.
  struct Content {
    let bytes: UnsafeRawBufferPointer
    /// Keeps `bytes` alive.
    let owner: AnyObject
  }

  /// The path that the user gave.
  package let path: String
  /// The tensors in the order in which they lie in the files.
  package let entries: [Entry]
  /// The files that hold them, in order.
  package let files: [String]

  private enum Source: Sendable {
    case checkpoint(any TensorSource)
    case native(NativeFile)
  }

  private let source: Source
  private let indexByName: [String: Int]

  /// Opens a checkpoint folder, index or file, or a native file, told apart by content. Reads headers only.
  ///
  /// - Throws: ``CogError`` that names what the path is when it is none of these, or what is wrong with it.
  package convenience init(path: String) throws {
    if try !FileStatus(path: path).isFolder, try FileKind.sniff(path: path) == .native {
      try self.init(native: NativeFile(path: path))
    } else {
      let source = try Checkpoints.open(path: path)
      // A configuration only gives the parts their names: without one, tensors are grouped by name.
      let folder = CheckpointFolder(of: path)
      let configuration = folder.configurationPath == nil ? nil : try? folder.configuration()
      self.init(checkpoint: source, table: configuration.map(TensorTable.init))
    }
  }

  private init(checkpoint source: any TensorSource, table: TensorTable?) {
    self.source = .checkpoint(source)
    (path, files) = (source.path, source.files)
    entries = source.records.map { record in
      Entry(
        name: record.name, encoding: .plain(record.elementType), shape: record.shape,
        part: Inspection.part(of: record.name, table), layer: LayerName(tensor: record.name),
        byteCount: record.byteCount, file: record.file, offset: record.fileOffset)
    }
    indexByName = Self.index(entries)
  }

  private init(native file: NativeFile) {
    source = .native(file)
    (path, files) = (file.path, file.files)
    entries = file.tensors.map { tensor in
      Entry(
        name: tensor.name, encoding: tensor.encoding, shape: tensor.shape,
        part: Inspection.part(of: tensor.name, file.table), layer: LayerName(tensor: tensor.name),
        byteCount: tensor.byteCount, file: file.path, offset: tensor.offset)
    }
    indexByName = Self.index(entries)
  }

  private static func index(_ entries: [Entry]) -> [String: Int] {
    Dictionary(entries.enumerated().map { ($1.name, $0) }) { first, _ in first }
  }

  /// The tensor of a name, or nil.
  package func entry(named name: String) -> Entry? { indexByName[name].map { entries[$0] } }

  /// The bytes of a tensor, as many as its encoding and shape ask for. Checksums of PyTorch files are
  /// compared, those of native files are not: `inspect --check` does that.
  ///
  /// - Throws: ``CogError`` when there is no such tensor or its bytes are damaged.
  func content(of entry: Entry) throws -> Content {
    let content: Content
    switch source {
    case .checkpoint(let source):
      let view = try source.view(of: entry.name)
      content = Content(bytes: view.bytes, owner: view.owner)
    case .native(let file):
      guard let tensor = file.tensor(named: entry.name) else { throw file.missing(entry.name) }
      content = Content(bytes: file.bytes(of: tensor), owner: file.owner)
    }
    let expected = try entry.encoding.byteCount(of: entry.shape)
    guard content.bytes.count == expected else {
      throw CogError(
        "the tensor has another number of bytes than its shape", file: entry.file, subject: entry.name,
        expected: "\(expected)", found: "\(content.bytes.count)")
    }
    return content
  }

  /// Lets the memory behind a tensor's bytes go. A hint.
  func release(_ entry: Entry) {
    switch source {
    case .checkpoint(let source): source.release(entry.name)
    case .native(let file): file.release(entry.name)
    }
  }
}

/// A layer of the model as tensors' names say it: `model.layers.12`, which is also the name of its tap.
package struct LayerName: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// What stands before the number, such as `model.layers`.
  package let stack: String
  /// The number.
  package let index: Int

  /// The layer of a tensor or tap: its name up to the first component that is a number. Nil where there is
  /// none.
  package init?(tensor name: String) {
    let components = name.split(separator: ".", omittingEmptySubsequences: false)
    guard let place = components.firstIndex(where: { Int($0) != nil && $0.allSatisfy(\.isNumber) }),
      place > 0,
      let index = Int(components[place])
    else { return nil }
    stack = components[..<place].joined(separator: ".")
    self.index = index
  }

  /// `model.layers.12`.
  package var description: String { "\(stack).\(index)" }

  /// By stack, then by number.
  package static func < (a: LayerName, b: LayerName) -> Bool { (a.stack, a.index) < (b.stack, b.index) }
}
