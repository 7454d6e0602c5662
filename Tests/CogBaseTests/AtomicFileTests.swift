import CogBase
import CogTestSupport
import Foundation
import Testing

@Suite struct AtomicFileTests {
  @Test(
    "A file written in pieces, in any order, has their bytes, zeros between them, and ends with the last",
    arguments: [false, true])
  func pieces(inHugePages: Bool) throws {
    let window = 1 << 21
    // Pieces that fill a window, parts of one, parts of two or of three, and nothing.
    let ranges = [
      3 * window..<4 * window, 100..<200, window - 1..<window + 1, 2 * window - 5..<2 * window + 7,
      4 * window + 5..<6 * window + 9, 6 * window + 9..<7 * window, 7 * window + 3..<7 * window + 4,
      200..<200,
    ]
    var expected = [UInt8](repeating: 0, count: 7 * window + 4)
    for (number, range) in ranges.enumerated() {
      for index in range { expected[index] = UInt8(truncatingIfNeeded: index &* 31 &+ number) | 1 }
    }
    for first in ranges.indices {
      let folder = try TemporaryFolder()
      let path = folder.path("file")
      let file = try AtomicFile(path: path, inHugePages: inHugePages)
      for range in ranges[first...] + ranges[..<first].reversed() {
        try expected[range].withUnsafeBytes { try file.write($0, at: range.lowerBound) }
      }
      try file.commit()
      #expect(try Data(contentsOf: URL(filePath: path)) == Data(expected))
      #expect(try folder.contents() == ["file"])
    }
  }
}
