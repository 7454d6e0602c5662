import CogBase
import Glibc

/// What the file system says about a source, to notice that it changes while it is read.
struct SourceState {
  /// Its length in bytes.
  let bytes: Int
  /// When it was changed last, in nanoseconds since 1970.
  let modified: Int
  private let status: stat

  /// - Throws: ``CogError`` when there is no such file any more.
  init(_ path: String) throws {
    guard let status = FileSystem.status(of: path) else {
      throw CogError.system("cannot open", file: path, code: errno)
    }
    self.status = status
    bytes = Int(status.st_size)
    modified = Int(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int(status.st_mtim.tv_nsec)
  }

  /// - Throws: ``CogError`` when the file was changed, cut off or replaced since, or is gone.
  func requireSame(_ path: String) throws {
    let now = FileSystem.status(of: path)
    let found: String? =
      switch now {
      case nil: "no such file"
      case let now? where !now.isSame(as: status): "another file of the name"
      case let now? where Int(now.st_size) != bytes: "\(now.st_size) bytes where there were \(bytes)"
      default: try SourceState(path).modified == modified ? nil : "a later time of change"
      }
    guard let found else { return }
    throw CogError(
      "the source has changed while it was read", code: .damaged, file: path, found: found,
      advice: "Run the command again when nothing writes to it.")
  }
}
