import Glibc

/// Hints about the memory in which the system keeps the pages of files.
///
/// What lies in huge pages is read a fifth faster than what lies in small ones: a processor looks up fewer
/// addresses, and fetches ahead up to the end of a page only. Linux fills huge pages from file systems with
/// large folios (ext4, XFS) where a mapping asks for them, and lets them go as a whole.
package enum PageCache {
  /// Bytes of a huge page of x86-64, and of AArch64 with pages of 4 KB.
  static let hugePageBytes = 1 << 21

  /// Asks for huge pages where a mapping's pages come from the disk.
  static func wantHugePages(_ mapping: UnsafeMutableRawPointer, _ byteCount: Int) {
    guard byteCount >= hugePageBytes else { return }
    madvise(mapping, byteCount, MADV_HUGEPAGE)
  }

  /// Lets the pages of a range of a file go, unless they are mapped; those that are not on the disk yet are
  /// written instead.
  ///
  /// The huge page in which the range begins goes too, and the one in which it ends stays, unless the file
  /// ends there: whoever goes through a file has done with the first and not with the last.
  package static func letGo(_ range: Range<Int>, of descriptor: Int32, fileEndsThere: Bool = false) {
    let start = range.lowerBound / hugePageBytes * hugePageBytes
    let end = fileEndsThere ? range.upperBound : range.upperBound / hugePageBytes * hugePageBytes
    // A length of 0 would mean the whole rest of the file.
    guard start < end else { return }
    posix_fadvise(descriptor, off_t(start), off_t(end - start), POSIX_FADV_DONTNEED)
  }
}
