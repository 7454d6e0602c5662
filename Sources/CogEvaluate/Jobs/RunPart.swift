import CogBase
import Glibc

/// The file that one process of a run appends to: a line for each finished item.
final class RunPart {
  /// Where it lies.
  let path: String
  private let descriptor: Int32
  /// Where the next line goes.
  private var end = 0

  /// Makes a file that no other process has.
  ///
  /// - Throws: `CogError` when it cannot be made.
  init(_ folder: RunFolder, _ shard: Shard) throws {
    path = folder.partsPath.appendingPath("part-\(shard.name).\(RunFolder.randomName()).jsonl")
    descriptor = FileSystem.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
    guard descriptor >= 0 else { throw CogError.system("cannot create the file", file: path, code: errno) }
    let code = FileSystem.synchronizeFolder(folder.partsPath)
    guard code == 0 else { throw CogError.system("cannot write the folder", file: path, code: code) }
  }

  /// A file without a line goes.
  deinit {
    if end == 0 { FileSystem.remove(path) }
    Glibc.close(descriptor)
  }

  /// Appends a line and makes it durable.
  ///
  /// - Throws: `CogError` when the disk is full or fails; what was written of the line is cut off then.
  func append(_ record: RunRecord) throws {
    let bytes = Array((try RunLine.encode(record) + "\n").utf8)
    var code = bytes.withUnsafeBytes { FileSystem.writeAll($0, to: descriptor, at: end) }
    if code == 0, fdatasync(descriptor) != 0 { code = errno }
    guard code == 0 else {
      _ = ftruncate(descriptor, off_t(end))
      throw CogError.system("cannot write", file: path, code: code)
    }
    end += bytes.count
  }
}
