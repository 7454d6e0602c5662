import CogBase
import Glibc

/// The folder of one process into which inputs are written for readers that take files; removed at its exit.
struct Scratch: Sendable {
  let folder: String

  static let shared = Result { try Scratch() }

  private init() throws {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/cogvlm-fuzz-XXXXXX".utf8CString)
    guard template.withUnsafeMutableBufferPointer({ $0.baseAddress.flatMap { mkdtemp($0) } }) != nil else {
      throw CogError.system("cannot make a folder", file: parent, code: errno)
    }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    atexit {
      guard let scratch = try? Scratch.shared.get() else { return }
      for name in (try? FolderListing.names(in: scratch.folder)) ?? [] { unlink("\(scratch.folder)/\(name)") }
      rmdir(scratch.folder)
    }
  }

  /// The path of a file in the folder.
  func path(_ name: String) -> String { "\(folder)/\(name)" }

  /// Writes a file, in place of one of its name, and returns its path.
  func write(_ bytes: UnsafeRawBufferPointer, as name: String) throws -> String {
    let path = path(name)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw ContractBroken(what: "cannot write \(path): errno \(errno)") }
    defer { close(descriptor) }
    guard Glibc.write(descriptor, bytes.baseAddress, bytes.count) == bytes.count else {
      throw ContractBroken(what: "cannot write \(path): errno \(errno)")
    }
    return path
  }

  /// The same of an array.
  func write(_ bytes: [UInt8], as name: String) throws -> String {
    try bytes.withUnsafeBytes { try write($0, as: name) }
  }
}
