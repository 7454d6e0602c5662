import CogBase
import Glibc

/// `frames.csv`, the table of what ``FrameExport`` wrote into a folder: the files with their checksums.
struct FrameTable {
  /// The name of the file.
  static let name = "frames.csv"

  /// A line of the table.
  struct Row {
    /// The number of the frame in the video.
    let index: Int
    /// When it starts, in seconds.
    let seconds: Double
    /// The name of the picture as it was decoded.
    let frame: String
    /// The name of the picture as a model gets it.
    let prepared: String
    /// The CRC-32 of the two files.
    let checksums: (frame: UInt32, prepared: UInt32)
  }

  /// The first line: the place of a frame among the chosen ones, its number in the video, its start time in
  /// seconds, the two files, and their CRC-32 in hexadecimal.
  static let header = columns + ",frame_crc32,prepared_crc32"
  /// What the first line of every version began with.
  private static let columns = "position,index,seconds,frame,prepared"
  /// A table above this size is not believed.
  private static let largest = 1 << 22

  /// The checksum of each file that was written; empty where the table has none.
  private(set) var checksums: [String: UInt32] = [:]
  /// The names of the pictures as a model gets them.
  private(set) var prepared: Set<String> = []
  /// Whether the table says what was written: an earlier version's does not.
  let hasChecksums: Bool

  /// Reads the table of a folder; nil where there is none, or a file of that name is something else.
  init?(of folder: String) {
    let path = folder.appendingPath(Self.name)
    guard let status = FileSystem.status(of: path), status.isRegular, status.st_size <= Self.largest,
      let text = try? MappedFile.withBytes(ofFile: path, { String(validating: $0, as: UTF8.self) })
    else { return nil }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard let first = lines.first, first == Self.header || first == Self.columns, lines.last == "" else {
      return nil
    }
    hasChecksums = first == Self.header
    for line in lines.dropFirst().dropLast() {
      let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      guard cells.count == (hasChecksums ? 7 : 5), cells[3...4].allSatisfy(Self.isPlain) else { return nil }
      prepared.insert(cells[4])
      guard hasChecksums else { continue }
      guard let frame = UInt32(cells[5], radix: 16), let image = UInt32(cells[6], radix: 16) else {
        return nil
      }
      checksums[cells[3]] = frame
      checksums[cells[4]] = image
    }
  }

  /// The text of a table.
  static func text(_ rows: [Row]) -> String {
    let lines = rows.enumerated().map { position, row in
      let sums = [row.checksums.frame, row.checksums.prepared].map { String($0, radix: 16) }
      let seconds = (row.seconds * 1_000_000).rounded() / 1_000_000
      return "\(position),\(row.index),\(seconds),\(row.frame),\(row.prepared),\(sums[0]),\(sums[1])\n"
    }
    return header + "\n" + lines.joined()
  }

  /// A name, and no path out of the folder.
  private static func isPlain(_ name: String) -> Bool {
    !name.isEmpty && !name.utf8.contains(UInt8(ascii: "/")) && ![".", ".."].contains(name)
  }
}
