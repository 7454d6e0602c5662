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

  /// The path that the work will have.
  package let path: String
  /// Whether that is a file or a folder.
  package let kind: Kind
  /// Where the work lies meanwhile.
  package var partPath: String { path + ".part" }
  /// Where its journal lies.
  package var journalPath: String { path + ".part.journal" }
  /// Bytes that a file in huge pages takes beside its own until ``commit()``.
  package static let spareBytes = HugePageWindows.byteCount

  /// The journal while the work is open.
  package private(set) var journal: Journal?
  /// Whether bytes of an earlier run are kept.
  private var isContinued = false
  /// The open files by name; the file of ``Kind/file`` has none. Guarded: ``synchronize()`` comes from
  /// another thread.
  private let files = Mutex<[String: PartFile]>([:])

  /// Whether the files will be mapped and read again and again.
  private let inHugePages: Bool

  /// A place; nothing is looked at or written before ``open(resuming:)``.
  ///
  /// - Parameter inHugePages: whether the files will be mapped and read again and again: their pages are kept
  ///   so that the system can map them as huge ones.
  package init(path: String, kind: Kind, inHugePages: Bool = false) {
    self.inHugePages = inHugePages
    var path = path
    // `out/` is `out`: the part lies beside the folder, not in it.
    while kind == .folder, path.count > 1, path.hasSuffix("/") { path.removeLast() }
    self.path = path
    self.kind = kind
  }

  deinit { abandon() }

  /// Begins the work, or takes up what an earlier run has left.
  ///
  /// - Parameter resuming: whether to take it up. Where there is nothing to take up, the work begins anew.
  /// - Returns: the records of the journal; none when the work begins anew.
  /// - Throws: ``CogError`` when another process holds it, the journal is damaged, the name is empty or taken
  ///   by a folder that is not empty, or nothing can be created there.
  @discardableResult
  package func open(resuming: Bool) throws -> [String] {
    guard !path.isEmpty else {
      throw CogError("the output has no name", expected: "the name of a file", found: "an empty one")
    }
    if kind == .folder { try requireEmpty(path) }
    let journal = try Journal(path: journalPath, output: path, isContinued: resuming)
    isContinued = !journal.records.isEmpty && isThere
    do {
      if !isContinued {
        try journal.clear()
        try clear(isOurs: journal.wasThere)
        if kind == .folder, mkdir(partPath, 0o755) != 0 {
          throw CogError.system("cannot create the folder", file: path, code: errno)
        }
      }
    } catch {
      unlink(journalPath)
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
      path: partPath + suffix, name: path + suffix, isContinued: isContinued, inHugePages: inHugePages)
    files.withLock { $0[name] = file }
    return file
  }

  /// Makes all bytes that were written before the call durable, from any thread.
  ///
  /// - Throws: ``CogError`` when the disk fails.
  package func synchronize() throws {
    let open = files.withLock { Array($0.values) }
    for file in open { try file.synchronize() }
    if kind == .folder { Self.synchronizeFolder(partPath) }
  }

  /// Makes the work durable, gives it its name and removes the journal.
  ///
  /// - Throws: ``CogError`` when the disk fails; the part stays.
  package func commit() throws {
    for file in files.withLock({ Array($0.values) }) { try file.complete() }
    if kind == .folder { Self.synchronizeFolder(partPath) }
    guard rename(partPath, path) == 0 else {
      throw CogError.system("cannot rename the finished work", file: path, code: errno)
    }
    Self.synchronizeFolder(Self.folder(of: path))
    unlink(journalPath)
    close()
  }

  /// Leaves the part and its journal for ``open(resuming:)`` of another run.
  package func keep() { close() }

  /// Removes the part and its journal; nothing appears under the name.
  package func abandon() {
    guard journal != nil else { return }
    try? clear(isOurs: true)
    unlink(journalPath)
    close()
  }

  /// Bytes that the part takes on the disk.
  package var storedBytes: Int {
    var status = stat()
    switch kind {
    case .file: return lstat(partPath, &status) == 0 ? Int(status.st_blocks) * 512 : 0
    case .folder:
      return (try? FolderListing.names(in: partPath))?.reduce(0) { sum, name in
        lstat("\(partPath)/\(name)", &status) == 0 ? sum + Int(status.st_blocks) * 512 : sum
      } ?? 0
    }
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
    var status = stat()
    guard lstat(partPath, &status) == 0 else { return false }
    return status.st_mode & S_IFMT == (kind == .file ? S_IFREG : S_IFDIR)
  }

  /// Removes what an earlier run has left.
  ///
  /// - Parameter isOurs: whether a journal says so: a folder without one may be anybody's.
  private func clear(isOurs: Bool) throws {
    if kind == .folder, isOurs, isThere {
      for name in try FolderListing.names(in: partPath) { unlink("\(partPath)/\(name)") }
    }
    let failed = kind == .folder && isThere ? rmdir(partPath) : unlink(partPath)
    guard failed == 0 || errno == ENOENT else {
      throw CogError(
        "what lies at the place of the unfinished work cannot be removed", file: partPath,
        advice: "Remove it, or choose another name.", cause: SystemError(number: errno))
    }
  }

  /// - Throws: ``CogError`` when a folder has something in it, or the path is no folder.
  private func requireEmpty(_ path: String) throws {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw CogError("the output is no folder", file: path, expected: "a new or an empty folder")
    }
    let names = try FolderListing.names(in: path)
    guard names.isEmpty else {
      throw CogError(
        "the folder is not empty", file: path, expected: "a new or an empty folder",
        found: names.sorted().prefix(3).joined(separator: ", ") + (names.count > 3 ? ", ..." : ""),
        advice: "Choose another name.")
    }
  }

  private static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
  }

  /// Makes the names in a folder durable, where the file system can.
  private static func synchronizeFolder(_ path: String) {
    let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    Glibc.close(descriptor)
  }

  /// Free bytes on the disk that holds the folder of `path`, or nil when it cannot be told.
  package static func freeSpace(near path: String) -> Int? {
    var status = statvfs()
    guard statvfs(folder(of: path), &status) == 0 else { return nil }
    return Int(
      clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
  }
}
