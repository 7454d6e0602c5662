import CogBase
import Foundation
import Glibc
import Synchronization

/// The part of a source's files that is worked on, moving from their first byte to their last, perhaps with
/// checksums computed beside the work.
///
/// Work and checksums go through the files in the same order, so each byte comes from the disk once, and
/// where the files are larger than half of the memory, what both have passed leaves the page cache, so that
/// other programs keep theirs. Positions count bytes over all files one after another. Everything here is a
/// hint; a source that is read in another order is only slower.
///
/// Nothing is asked to be read ahead: the system does that by itself where a mapping is read from front to
/// back, in huge pages (``MappedFile``), and what it is asked for comes in small ones, which take longer to
/// find, map and let go than a disk takes to read them.
package final class SourceWindow: @unchecked Sendable {
  /// Bytes that the checksums may be ahead of the work: they wait for the disk where it has read already.
  package static let lead = 64 << 20
  /// Bytes that leave the page cache at a time.
  private static let step = 8 << 20

  private struct File {
    let path: String
    /// The position of the file's first byte.
    let start: Int
    let byteCount: Int
    /// Opened when it is first needed; -1 where that fails.
    var descriptor: Int32?
  }

  /// `condition` guards what follows.
  private let condition = NSCondition()
  private var files: [File] = []
  private var fileByPath: [String: Int] = [:]
  private var passed = 0
  private var hashed = 0
  private var dropped = 0
  private let end: Int
  private let dropsBehind: Bool

  /// - Parameters:
  ///   - paths: the files in the order in which they are read.
  ///   - hashes: whether checksums are computed beside the work.
  package init(_ paths: [String], hashes: Bool) {
    var start = 0
    for path in paths {
      let byteCount = max(0, Int(FileSystem.status(of: path)?.st_size ?? 0))
      fileByPath[path] = files.count
      let (next, isTooLarge) = start.addingReportingOverflow(byteCount)
      files.append(File(path: path, start: start, byteCount: isTooLarge ? 0 : byteCount))
      if !isTooLarge { start = next }
    }
    end = start
    let memory = Int(sysconf(Int32(_SC_PHYS_PAGES))).multipliedReportingOverflow(
      by: Int(sysconf(Int32(_SC_PAGESIZE)))
    ).partialValue
    dropsBehind = end > memory / 2
    if !hashes { hashed = .max }
  }

  deinit { for file in files { if let descriptor = file.descriptor, descriptor >= 0 { close(descriptor) } } }

  /// Records that the work has reached a byte of a file.
  private func passes(_ path: String, to offset: Int) {
    condition.withLock {
      guard let position = position(path, offset), position > passed else { return }
      passed = position
      advance()
    }
  }

  /// Records that some bytes of a tensor are no longer needed: their pages may go.
  ///
  /// - Parameters:
  ///   - bytes: the tensor's; where they are those of a mapped file, the pages leave the process too.
  ///   - range: the part of `bytes` that is no longer needed.
  package func passes(_ entry: TensorEntry, _ bytes: OwnedBytes, _ range: Range<Int>) {
    bytes.letGo(range)
    if let offset = entry.offset { passes(entry.file, to: offset + range.upperBound) }
  }

  /// Records that no more tensors are read.
  package func endReading() {
    condition.withLock {
      passed = .max
      advance()
    }
  }

  /// Records that the checksums have reached a byte of a file, and waits while they are too far ahead of it:
  /// until it follows, or ``endReading()``.
  package func hashes(_ path: String, to offset: Int) {
    condition.withLock {
      guard let position = position(path, offset) else { return }
      hashed = max(hashed, position)
      advance()
      while passed < hashed - Self.lead { condition.wait() }
    }
  }

  private func position(_ path: String, _ offset: Int) -> Int? {
    fileByPath[path].map { files[$0].start + min(max(0, offset), files[$0].byteCount) }
  }

  /// Lets go what lies behind both.
  private func advance() {
    let behind = min(passed, hashed, end)
    if dropsBehind, behind - dropped >= Self.step || behind == end {
      letGo(dropped..<behind)
      dropped = behind
    }
    condition.broadcast()
  }

  private func letGo(_ positions: Range<Int>) {
    guard !positions.isEmpty else { return }
    for index in files.indices {
      let file = files[index]
      let part = positions.clamped(to: file.start..<file.start + file.byteCount)
      guard !part.isEmpty else { continue }
      let descriptor = file.descriptor ?? FileSystem.openForReading(file.path)
      files[index].descriptor = descriptor
      if descriptor >= 0 {
        let range = part.lowerBound - file.start..<part.upperBound - file.start
        PageCache.letGo(range, of: descriptor, fileEndsThere: range.upperBound == file.byteCount)
      }
    }
  }
}
