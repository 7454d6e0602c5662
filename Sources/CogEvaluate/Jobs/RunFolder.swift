package import CogBase
import Crypto
import Glibc

/// The folder of a run, which several processes and machines may share without locks (`Formats/run.md`).
///
/// `header.json` and `items.jsonl` are written once and never changed; each process appends to a file of its
/// own in `parts`.
package struct RunFolder: Sendable {
  /// The folder, as the user named it.
  package let path: String
  /// What decides about the replies.
  package let header: RunHeader

  /// What a run is, as an output.
  package static let outputKind = OutputKind(folder: "a run")
  private static let advice = "Choose another folder for the run."
  /// A larger file is no list of items: the largest benchmarks have 30 MB.
  private static let largestList = 1 << 30

  /// Where the header lies.
  package var headerPath: String { Self.headerPath(path) }
  /// Where the list of items lies.
  package var itemsPath: String { path.appendingPath("items.jsonl") }
  var partsPath: String { path.appendingPath("parts") }
  private var donePath: String { path.appendingPath("done") }

  private static func headerPath(_ path: String) -> String { path.appendingPath("header.json") }

  /// The run in a folder.
  ///
  /// - Throws: `CogError` when there is none, or it cannot be read.
  package init(path: String) throws {
    self.path = path
    let file = Self.headerPath(path)
    guard FileSystem.isThere(file) else {
      throw CogError(
        "the folder has no run", code: .notFound, file: path, expected: "a folder with header.json",
        advice: "Runs are begun with --run.")
    }
    header = try RunHeader(Self.content(of: file, atMost: RunLine.longest), file: file)
  }

  /// The run in a folder, where one was begun there; it must have the header.
  ///
  /// - Parameter inputs: what is read, which is never written into.
  /// - Returns: nil where no run was begun.
  /// - Throws: `CogError` that says what is otherwise when it has another header, or when no run may lie
  ///   there.
  package static func begun(
    at path: String, _ header: RunHeader, besides inputs: [String] = []
  ) throws -> RunFolder? {
    try OutputPlace(path).require(outputKind, besides: inputs)
    guard FileSystem.isThere(headerPath(path)) else { return nil }
    let folder = try RunFolder(path: path)
    try folder.header.requireSame(as: header, file: folder.headerPath)
    return folder
  }

  /// Begins a run, or takes up one with the same header; several processes may do so at once.
  ///
  /// - Parameter inputs: as of ``begun(at:_:besides:)``.
  /// - Throws: as that; `CogError` when the folder cannot be made, or has something else in it.
  package init(
    path: String, _ header: RunHeader, _ list: RunList, besides inputs: [String] = []
  ) throws {
    if try Self.begun(at: path, header, besides: inputs) == nil {
      try FileSystem.requireFolder(path)
      let names = try FolderListing.visibleNames(in: path)
      let own = ["header.json", "items.jsonl"]
      // What a process that was killed has left of its own goes unnoticed.
      let others = names.filter { name in
        !(own + ["parts", "done"]).contains(name) && !own.contains { name.hasPrefix("\($0).tmp-") }
      }
      guard others.isEmpty else {
        throw CogError(
          "the folder is not empty and has no run", file: path, expected: "a new or an empty folder",
          found: others.sorted().prefix(3).joined(separator: ", "), advice: Self.advice)
      }
      try Self.publish(list.encoded(), as: path.appendingPath("items.jsonl"))
      try Self.publish(Array((RunLine.encode(header, pretty: true) + "\n").utf8), as: Self.headerPath(path))
    }
    // Another process may have been first.
    try self.init(path: path)
    try self.header.requireSame(as: header, file: headerPath)
    try FileSystem.requireFolder(partsPath)
    try FileSystem.requireFolder(donePath)
  }

  /// The list of items.
  ///
  /// - Throws: `CogError` when it is not the one of the header.
  package func list() throws -> RunList {
    let bytes = try Self.content(of: itemsPath, atMost: Self.largestList)
    let digest = SHA256.hash(data: bytes).hexadecimal
    guard digest == header.items.digest else {
      throw CogError(
        "the list of items is not the one of the run's header", code: .damaged, file: itemsPath,
        expected: "SHA-256 \(header.items.digest)", found: digest)
    }
    let lines = bytes.split(separator: UInt8(ascii: "\n"))
    return RunList(
      try lines.enumerated().map { place, line in
        if let item = RunLine.decode(RunItem.self, Array(line)) { return item }
        throw CogError("the line is no item", code: .damaged, file: itemsPath, subject: "line \(place + 1)")
      })
  }

  /// Notes that every item of a shard has a line, for people and for what starts processes: no command reads
  /// it.
  ///
  /// - Throws: `CogError` when the disk is full or fails.
  func mark(_ shard: Shard, items: Int, failed: Int) throws {
    struct Mark: Encodable {
      let items: Int
      let failed: Int
    }
    let file = try AtomicFile(path: donePath.appendingPath(shard.name))
    try file.write(Array((RunLine.encode(Mark(items: items, failed: failed)) + "\n").utf8))
    try file.commit()
  }

  // MARK: Files

  /// Writes a file that stays as it is; one that another process has put there meanwhile stays.
  private static func publish(_ bytes: [UInt8], as path: String) throws {
    let file = try AtomicFile(path: path)
    try file.write(bytes)
    try file.commitUnlessThere()
    let failed = FileSystem.synchronizeFolder(path.folderOfPath)
    guard failed == 0 else { throw CogError.system("cannot write the folder", file: path, code: failed) }
  }

  private static func content(of path: String, atMost most: Int) throws -> [UInt8] {
    try MappedFile.withBytes(ofFile: path) { bytes in
      guard bytes.count <= most else {
        throw CogError(
          "the file is too large for what it should be", code: .damaged, file: path,
          expected: "at most \(most) bytes", found: "\(bytes.count)")
      }
      return Array(bytes)
    }
  }

  /// Letters and digits that no other process has.
  static func randomName() -> String { (0..<8).map { _ in UInt8.random(in: 0...255) }.hexadecimal }
}
