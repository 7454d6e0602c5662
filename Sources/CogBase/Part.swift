import Glibc
import Synchronization

/// Work on a file or a folder that appears under its name only when it is whole, and that can go on where it
/// was stopped.
///
/// It lies in `NAME.part`, and a ``Journal`` beside it, `NAME.part.journal`, says what of it is finished
/// (`Formats/journal.md`). ``commit()`` makes everything durable and gives it its name. An object that goes
/// away without ``commit()`` or ``keep()`` removes both. A process that dies leaves both: never half a result
/// under the name.
package final class Part: @unchecked Sendable {
  /// What the work will be.
  package enum Kind: Sendable {
    /// One file.
    case file
    /// A folder of files; one that is not empty is not touched.
    case folder
  }

  /// The path that the work will have, links followed.
  package var path: String { place.path }
  /// The place that the user named.
  private let place: OutputPlace
  /// What the work is, to say what may be written where.
  private let output: OutputKind
  /// Whether that is a file or a folder.
  package let kind: Kind
  /// Where the work lies meanwhile.
  package var partPath: String { path + ".part" }
  /// Where its journal lies.
  package var journalPath: String { Self.journalPath(ofPart: partPath) }
  /// Where the work keeps activations, if it has any.
  package var activationsPath: String { partPath + ".activations" }

  private static func journalPath(ofPart path: String) -> String { path + ".journal" }

  /// The journal while the work is open.
  package private(set) var journal: Journal?
  /// Whether bytes of an earlier run are kept.
  private var isContinued = false
  /// The open files by name; the file of ``Kind/file`` has none. Guarded: ``synchronize()`` comes from
  /// another thread.
  private let files = Mutex<[String: PartFile]>([:])

  /// A place; nothing is looked at or written before ``open(resuming:)``.
  ///
  /// - Parameter output: what the work is.
  package init(path: String, kind: Kind, output: OutputKind? = nil) {
    var path = path
    // `out/` is `out`: the part lies beside the folder, not in it.
    while kind == .folder, path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") {
      path = String(path[..<path.utf8.index(before: path.endIndex)])
    }
    place = OutputPlace(path)
    self.kind = kind
    self.output = output ?? (kind == .folder ? OutputKind(folder: "a folder") : .file)
  }

  deinit { abandon() }

  /// Finds out whether the work may lie here, before anything is written.
  ///
  /// - Parameter inputs: what is read, as in ``OutputPlace/require(_:besides:)``.
  /// - Throws: ``CogError`` when it, its part or its journal would take the place of something else.
  package func requirePlace(besides inputs: [String] = []) throws {
    try place.require(output, besides: inputs)
    let folder = path.folderOfPath
    guard FileSystem.status(of: folder)?.isFolder == true else {
      throw CogError(
        "there is no folder to write it to", code: .notFound, file: place.name,
        expected: "the folder \(folder)",
        advice: "Make the folder first, or choose another name.")
    }
    try OutputPlace.requireFree(partPath, isFolder: kind == .folder, besides: inputs)
    try OutputPlace.requireFree(journalPath, besides: inputs)
  }

  /// Begins the work, or takes up what an earlier run has left.
  ///
  /// - Parameter resuming: whether to take it up. Where there is nothing to take up, the work begins anew.
  /// - Returns: the records of the journal; none when the work begins anew.
  /// - Throws: ``CogError`` as ``requirePlace(besides:)``; when another process holds it, the journal is
  ///   damaged, the name is taken by a folder that is not empty, or nothing can be created there.
  @discardableResult
  package func open(resuming: Bool) throws -> [String] {
    try requirePlace()
    if kind == .folder { try requireEmpty() }
    let journal = try Journal(path: journalPath, output: place.name, isContinued: resuming)
    isContinued = !journal.records.isEmpty && isThere
    do {
      if !isContinued {
        // A run may have ended before its first record.
        let left = FileSystem.linkStatus(of: partPath)
        let isBarelyBegun = journal.wasThere && left?.isRegular == true && left?.st_size == 0
        try clear(isOurs: journal.isOwn || isBarelyBegun)
        // Only then: without its records the part would be anybody's.
        try journal.clear()
        if kind == .folder, FileSystem.makeFolder(partPath) != 0 {
          throw CogError.system("cannot create the folder", file: place.name, code: errno)
        }
      }
    } catch {
      if !journal.wasThere { FileSystem.remove(journalPath) }
      throw error
    }
    self.journal = journal
    do {
      // From now on a signal leaves something to take up.
      if kind == .file { _ = try file() }
    } catch {
      if isContinued { keep() } else { abandon() }
      throw error
    }
    return isContinued ? journal.records : []
  }

  /// The file of ``Kind/file``, or one of the folder's; opened when it is first asked for.
  ///
  /// - Parameter name: its name in the folder; empty where the work is one file.
  /// - Throws: ``CogError`` when it cannot be created; as ``open(resuming:)`` where that was not called.
  package func file(_ name: String = "") throws -> PartFile {
    if journal == nil { try open(resuming: false) }
    if let file = files.withLock({ $0[name] }) { return file }
    let suffix = name.isEmpty ? "" : "/" + name
    let file = try PartFile(
      path: partPath + suffix, name: place.name + suffix, isContinued: isContinued, keepsPages: false)
    files.withLock { $0[name] = file }
    return file
  }

  /// Makes all bytes that were written before the call durable, from any thread.
  ///
  /// - Throws: ``CogError`` when the disk fails.
  package func synchronize() throws {
    let open = files.withLock { Array($0.values) }
    for file in open { try file.synchronize() }
    if kind == .folder { try synchronizeFolder(partPath) }
  }

  /// Makes the work durable, gives it its name and removes the journal.
  ///
  /// - Throws: ``CogError`` when the disk fails; the part stays. When only the name cannot be made durable,
  ///   the work has it, and ``journal`` is nil. When something else lies in the folder, it and the work are
  ///   kept as by ``keep()``.
  package func commit() throws {
    try requireNothingElse()
    for file in files.withLock({ Array($0.values) }) { try file.complete() }
    if kind == .folder { try synchronizeFolder(partPath) }
    // What came there meanwhile is not lost either.
    try place.require(output)
    guard FileSystem.rename(partPath, to: path) == 0 else {
      throw CogError.system("cannot rename the finished work", file: place.name, code: errno)
    }
    defer {
      FileSystem.remove(journalPath)
      close()
    }
    do {
      try synchronizeFolder(path.folderOfPath)
    } catch var error as CogError {
      error.problem = "the output is finished, but it is not certain that it stays: \(error.problem)"
      error.advice = "After a power failure it may be gone: look after the disk, and copy it to another one."
      throw error
    }
  }

  /// Leaves the part and its journal for ``open(resuming:)`` of another run.
  package func keep() { close() }

  /// Removes the part and its journal; nothing appears under the name.
  package func abandon() {
    guard journal != nil else { return }
    try? clear(isOurs: true)
    FileSystem.remove(journalPath)
    close()
  }

  /// Whether the folder has a file of this name already. No other name is one of the work's: `..` and the
  /// like lead out of it.
  package func holds(_ name: String) -> Bool {
    let isPlain = name.utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "/") }
    return kind == .folder && isPlain
      && FileSystem.linkStatus(of: partPath.appendingPath(name))?.isRegular == true
  }

  /// Bytes on the disk that an earlier run has left: ``open(resuming:)`` takes them up or frees them.
  package var reusableBytes: Int {
    guard Journal.isOwn(at: journalPath) else { return 0 }
    let files =
      kind == .file
      ? [partPath] : ((try? FolderListing.names(in: partPath)) ?? []).map(partPath.appendingPath)
    return files.reduce(0) { $0 + Int(FileSystem.linkStatus(of: $1)?.st_blocks ?? 0) * 512 }
  }

  private func close() {
    files.withLock {
      for file in $0.values { file.close() }
      $0 = [:]
    }
    journal?.unlock()
    journal = nil
  }

  private var isThere: Bool {
    FileSystem.linkStatus(of: partPath)?.type == (kind == .file ? S_IFREG : S_IFDIR)
  }

  /// Removes what an earlier run has left.
  ///
  /// - Parameter isOurs: whether a journal says so: a folder without one may be anybody's.
  private func clear(isOurs: Bool) throws {
    if kind == .folder, isOurs, isThere {
      for name in try FolderListing.names(in: partPath) {
        FileSystem.remove(partPath.appendingPath(name))
      }
    }
    // A folder is removed only when it is empty.
    guard isOurs || !FileSystem.isThere(partPath) || (kind == .folder && isThere) else {
      throw CogError(
        "a file that is no unfinished work has its name", file: partPath,
        expected: "nothing, or a file with its journal, \(journalPath.lastPathName)",
        advice: "Rename it, or choose another name for the output.")
    }
    let failed =
      kind == .folder && isThere ? FileSystem.removeFolder(partPath) : FileSystem.remove(partPath)
    guard failed == 0 || errno == ENOENT else {
      throw CogError(
        "what lies at the place of the unfinished work cannot be removed", file: partPath,
        advice: "Remove it, or choose another name.", cause: SystemError(number: errno))
    }
  }

  /// What came into the folder of the work does not become part of it: a finished checkpoint may have code in
  /// it that others run.
  ///
  /// - Throws: ``CogError`` that names what this work has not written; all of it is kept.
  private func requireNothingElse() throws {
    guard kind == .folder else { return }
    let own = files.withLock { Set($0.keys.map(ByteKey.init)) }
    let others = try FolderListing.names(in: partPath).filter { !own.contains(ByteKey($0)) }.sorted()
    guard let first = others.first else { return }
    keep()
    throw CogError(
      "something else lies in the folder of the unfinished work", file: partPath.appendingPath(first),
      expected: "only files that were written by the work", found: others.count > 1 ? "\(others.count)" : nil,
      advice: "Take it away, and go on with --resume.")
  }

  /// Whether a path is of unfinished work, or of a file in the folder of such: beside it lies a journal.
  package static func isUnfinished(_ path: String) -> Bool {
    [path, String(path.folderOfPath.dropLast())].contains {
      $0.hasSuffix(".part") && Journal.isOwn(at: journalPath(ofPart: $0))
    }
  }

  /// - Throws: ``CogError`` when the folder has something in it.
  private func requireEmpty() throws {
    guard FileSystem.isThere(path) else { return }
    let names = try FolderListing.names(in: path)
    guard names.isEmpty else {
      throw CogError(
        "the folder is not empty", file: place.name, expected: "a new or an empty folder",
        found: names.sorted().prefix(3).joined(separator: ", ") + (names.count > 3 ? ", ..." : ""),
        advice: "Choose another name.")
    }
  }

  /// Makes the names in a folder durable, where the file system can and the folder may be read.
  private func synchronizeFolder(_ path: String) throws {
    let code = FileSystem.synchronizeFolder(path)
    guard code != 0 else { return }
    throw CogError.system("cannot write the folder", file: place.name, code: code)
  }

  /// Free bytes on the disk that holds the folder of `path`, or nil when it cannot be told.
  package static func freeSpace(near path: String) -> Int? {
    FileSystem.freeSpace(in: path.folderOfPath)
  }
}
