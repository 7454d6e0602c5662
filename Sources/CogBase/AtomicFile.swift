import Glibc

/// A small file, such as a report, that appears under its name only when it is whole.
///
/// Bytes go to a temporary file in the same folder. ``commit()`` makes them durable and renames it; an object
/// that goes away without a commit removes it. A crash leaves at most the temporary file, never half a
/// result. Work that takes long is a ``Part``, which can be taken up again.
package final class AtomicFile {
  /// The path that the file will have, as the user named it.
  package var path: String { place.name }

  private let place: OutputPlace
  private let temporaryPath: String
  /// -1 once the file is closed.
  private var descriptor: Int32
  private var isDone = false

  /// Opens a temporary file beside the place that `path` leads to.
  ///
  /// - Parameters:
  ///   - kind: what is written.
  ///   - inputs: what is read in this run, as in ``OutputPlace/require(_:besides:)``.
  /// - Throws: ``CogError`` when the folder is missing or cannot be written, or nothing may be written there.
  package init(path: String, kind: OutputKind = .file, besides inputs: [String] = []) throws {
    place = OutputPlace(path)
    try place.require(kind, besides: inputs)
    var path = "\(place.path)\(Self.temporaryMark)\(getpid())"
    var descriptor = FileSystem.open(path, O_RDWR | O_CREAT | O_EXCL)
    // One that a process of the same number has left, as in containers, is not ours to remove.
    for number in 1...100 where descriptor < 0 && errno == EEXIST {
      path = "\(place.path)\(Self.temporaryMark)\(getpid())-\(number)"
      descriptor = FileSystem.open(path, O_RDWR | O_CREAT | O_EXCL)
    }
    (temporaryPath, self.descriptor) = (path, descriptor)
    guard descriptor < 0 else { return }
    let code = errno
    // There is nothing to remove.
    isDone = true
    throw CogError.system("cannot create the file", file: place.name, code: code)
  }

  deinit { abandon() }

  private static let temporaryMark = ".tmp-"

  /// Whether a name is one of those that the temporary files of a file called `final` have: with the number
  /// of a process behind it, and perhaps one more.
  package static func isTemporary(_ name: some StringProtocol, of final: String) -> Bool {
    let start = final + temporaryMark
    guard name.hasPrefix(start) else { return false }
    let numbers = name.dropFirst(start.count).split(separator: "-", omittingEmptySubsequences: false)
    return (1...2).contains(numbers.count)
      && numbers.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(Set("0123456789".utf8).contains) }
  }

  /// Appends bytes.
  ///
  /// - Throws: ``CogError`` when the disk is full or fails.
  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    let code = FileSystem.writeAll(bytes, to: descriptor)
    guard code == 0 else { throw CogError.system("cannot write", file: path, code: code) }
  }

  /// Appends bytes. - Throws: as ``write(_:)-(UnsafeRawBufferPointer)``.
  package func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

  /// Makes all that was written durable and closes the file, which has its name only with ``commit()``.
  ///
  /// - Throws: ``CogError`` when the disk fails.
  package func seal() throws {
    guard descriptor >= 0 else { return }
    guard fsync(descriptor) == 0 else { throw CogError.system("cannot write", file: path, code: errno) }
    close(descriptor)
    descriptor = -1
  }

  /// Makes the file durable and gives it its name.
  ///
  /// - Throws: ``CogError`` when the disk fails; the temporary file is removed with the object.
  package func commit() throws {
    try seal()
    // What came there meanwhile is not lost either.
    try place.require(.file)
    guard FileSystem.rename(temporaryPath, to: place.path) == 0 else {
      throw CogError.system("cannot rename the finished file", file: path, code: errno)
    }
    isDone = true
  }

  /// As ``commit()``, but what has the name already stays: of several processes that begin one work the first
  /// decides.
  ///
  /// - Throws: as that.
  package func commitUnlessThere() throws {
    try seal()
    let hasName = FileSystem.link(temporaryPath, as: place.path) == 0 || errno == EEXIST
    // Where files have one name only, the last of those that came at once decides.
    guard hasName || FileSystem.isThere(place.path) else { return try commit() }
    abandon()
  }

  /// Removes the temporary file; nothing appears under the name.
  package func abandon() {
    guard !isDone else { return }
    isDone = true
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    FileSystem.remove(temporaryPath)
  }
}
