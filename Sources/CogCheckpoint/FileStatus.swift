import CogBase
import Glibc

/// What the file system says about a path.
package struct FileStatus {
  /// Whether it is a folder.
  package let isFolder: Bool
  /// Whether it is a regular file.
  package let isRegular: Bool
  /// Its length in bytes.
  package let byteCount: Int

  /// - Throws: ``CogError`` when there is nothing at the path, or it cannot be examined.
  package init(path: String) throws {
    guard let status = FileSystem.status(of: path) else {
      throw CogError.system("cannot open", file: path, code: errno)
    }
    (isFolder, isRegular) = (status.isFolder, status.isRegular)
    byteCount = Int(status.st_size)
  }

  /// - Throws: ``CogError`` for a folder, a pipe or a device, before it is opened.
  func requireRegular(_ path: String) throws -> FileStatus {
    guard isRegular else {
      throw CogError(
        "not a regular file", file: path, found: isFolder ? "a folder" : "a pipe, socket or device")
    }
    return self
  }

  /// Whether there is anything at the path, links followed.
  static func exists(_ path: String) -> Bool { (try? FileStatus(path: path)) != nil }

  /// Whether there is a regular file at the path.
  static func isRegularFile(_ path: String) -> Bool { (try? FileStatus(path: path))?.isRegular ?? false }
}
