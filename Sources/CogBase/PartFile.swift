import Glibc
import Synchronization

/// A file of unfinished work (``Part``): bytes come to any place in any order, and gaps read as zeros.
///
/// One thread at a time writes; any thread may call ``synchronize()`` meanwhile.
package final class PartFile: @unchecked Sendable {
  /// Where the file lies while it is worked on.
  package let path: String
  /// The file as errors name it: what it will be.
  private let name: String
  /// -1 once it is closed; guarded because ``synchronize()`` comes from another thread.
  private let descriptor: Mutex<Int32>
  /// nil where pages are kept.
  private var writeBehind: WriteBehind?
  /// Where the last byte that is known ends.
  private var end = 0

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - path: where it lies while it is worked on.
  ///   - name: the path that it will have, for errors.
  ///   - isContinued: whether the bytes of an earlier run are kept; otherwise the file must not be there.
  ///   - keepsPages: whether what was written stays in memory, for whoever reads it soon (``WriteBehind``).
  /// - Throws: ``CogError`` when it cannot be created, or what is there is no file.
  package init(path: String, name: String, isContinued: Bool, keepsPages: Bool) throws {
    self.path = path
    self.name = name
    writeBehind = keepsPages ? nil : WriteBehind()
    let flags = O_RDWR | O_CREAT | O_NOFOLLOW | (isContinued ? O_NONBLOCK : O_EXCL)
    let descriptor = FileSystem.open(path, flags)
    guard descriptor >= 0 else { throw CogError.system("cannot create the file", file: name, code: errno) }
    self.descriptor = Mutex(descriptor)
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw CogError("the unfinished file is no file", file: path, advice: "Remove it.")
    }
  }

  deinit { close() }

  /// Writes bytes at an offset.
  ///
  /// - Throws: ``CogError`` when the disk is full (``CogError/Code/diskFull``) or fails.
  package func write(_ bytes: UnsafeRawBufferPointer, at position: Int) throws {
    let range = position..<position + bytes.count
    let descriptor = descriptor.withLock { $0 }
    let code = FileSystem.writeAll(bytes, to: descriptor, at: position)
    guard code == 0 else { throw CogError.system("cannot write", file: name, code: code) }
    writeBehind?.wrote(range, to: descriptor)
    end = max(end, range.upperBound)
  }

  /// Keeps a range that an earlier run wrote as it is.
  package func adopt(_ range: Range<Int>) { end = max(end, range.upperBound) }

  /// Leaves out what was written behind a place, such as states that were passed through: the finished file
  /// ends there.
  package func cut(to count: Int) { end = count }

  /// Reads bytes that were written, in this run or an earlier one.
  ///
  /// - Throws: ``CogError`` when the file is too short or the disk fails.
  package func read(_ buffer: UnsafeMutableRawBufferPointer, at position: Int) throws {
    let descriptor = descriptor.withLock { $0 }
    var done = 0
    while done < buffer.count {
      let count = pread(
        descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, off_t(position + done))
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw CogError.system("cannot read", file: path, code: errno) }
      guard count > 0 else {
        throw CogError("the unfinished file is too short", code: .damaged, file: path)
      }
      done += count
    }
  }

  /// Makes all bytes that were written before the call durable.
  ///
  /// - Throws: ``CogError`` when the disk fails.
  package func synchronize() throws {
    // A descriptor of its own: the file may be closed meanwhile, and writing goes on.
    let copy = descriptor.withLock { $0 < 0 ? -1 : fcntl($0, F_DUPFD_CLOEXEC, 0) }
    guard copy >= 0 else { return }
    defer { Glibc.close(copy) }
    guard fdatasync(copy) == 0 else { throw CogError.system("cannot write", file: name, code: errno) }
  }

  /// Cuts the file after its last byte, makes it durable and closes it.
  ///
  /// - Throws: ``CogError`` when the disk fails.
  func complete() throws {
    let code = descriptor.withLock { descriptor -> Int32 in
      // What an earlier run wrote may reach beyond the end.
      guard ftruncate(descriptor, off_t(end)) == 0, fsync(descriptor) == 0 else { return errno }
      writeBehind?.end(end, of: descriptor)
      return 0
    }
    guard code == 0 else { throw CogError.system("cannot write", file: name, code: code) }
    close()
  }

  /// Closes the file, whatever state it is in.
  func close() {
    descriptor.withLock {
      if $0 >= 0 { Glibc.close($0) }
      $0 = -1
    }
  }
}
