/// Brings what is written to a large file to the disk while more is written, and lets its pages go.
///
/// So other programs keep theirs, the last wait for the disk is short, and the system fills the same memory
/// again and again: fresh memory costs a virtual machine four times as much as the copying. Whoever maps the
/// file later gets huge pages, whatever pieces it was written in.
struct WriteBehind {
  /// Bytes that are handed to the disk at a time; a smaller file keeps its pages.
  private static let step = 32 << 20
  /// Steps that a disk may be behind: the pages of a slower one are let go in the end.
  private static let mostSteps = 4

  /// What was written in the last steps, the last one's first; it was handed to the disk, but for the first.
  private var steps: [[Range<Int>]] = [[]]
  private var writtenBytes = 0

  /// Records that a range was written.
  mutating func wrote(_ range: Range<Int>, to descriptor: Int32) {
    if let last = steps[0].last, last.upperBound == range.lowerBound {
      steps[0][steps[0].count - 1] = last.lowerBound..<range.upperBound
    } else {
      steps[0].append(range)
    }
    writtenBytes += range.count
    guard writtenBytes >= Self.step else { return }
    // To let go of pages that are not on the disk yet starts to write them; the next time they go.
    for range in steps.joined() { PageCache.letGo(range, of: descriptor) }
    steps.insert([], at: 0)
    steps.removeLast(max(0, steps.count - Self.mostSteps))
    writtenBytes = 0
  }

  /// Lets go of what is left, once all is on the disk.
  func end(_ byteCount: Int, of descriptor: Int32) {
    if steps.count > 1 { PageCache.letGo(0..<byteCount, of: descriptor, fileEndsThere: true) }
  }
}
