import CogBase
import Foundation
import Glibc

/// What a download has noted about a file: `FOLDER/.cache/huggingface/download/NAME.metadata`, or, in the
/// shared cache, the name `blobs/ETAG` that the file is a link to.
///
/// Source: `huggingface_hub`, `_local_folder.py`: three lines, the commit, the etag and the time in seconds
/// since 1970; `file_download.py` for the cache. The etag of a large file (LFS) is its SHA-256, that
/// of another one the SHA-1 of its git blob.
package struct DownloadRecord: Equatable, Sendable {
  /// A checksum of a file, in lower-case hexadecimal.
  package enum Checksum: Equatable, Sendable {
    /// SHA-256 of its bytes.
    case sha256(String)
    /// SHA-1 of `blob LENGTH`, a zero byte, and its bytes.
    case gitBlob(String)

    /// Its digits.
    package var digits: String {
      switch self {
      case .sha256(let digits), .gitBlob(let digits): digits
      }
    }

    /// What kind it is, for people.
    package var name: String {
      switch self {
      case .sha256: "SHA-256"
      case .gitBlob: "git blob SHA-1"
      }
    }
  }

  /// The path of the file.
  package let file: String
  /// The checksum that it had where it came from.
  package let checksum: Checksum
  /// Whether the file was changed after it was downloaded, by its time of change.
  package let isOutdated: Bool

  /// The record of a file, or nil where there is none, or none with a checksum.
  package init?(of file: String) {
    self.file = file
    let path = CheckpointFolder(of: file).file(
      ".cache/huggingface/download/\(file.lastPathName).metadata")
    guard let status = try? FileStatus(path: path), status.isRegular, (1...4096).contains(status.byteCount),
      let text = try? MappedFile.withBytes(ofFile: path, { String(decoding: $0, as: UTF8.self) })
    else {
      guard let checksum = Self.linkedBlob(file).flatMap(Self.checksum) else { return nil }
      (self.checksum, isOutdated) = (checksum, false)
      return
    }
    let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
    guard lines.count >= 2, let checksum = Self.checksum(lines[1]) else { return nil }
    self.checksum = checksum
    // One second of tolerance, as huggingface_hub has.
    let changed = FileSystem.status(of: file).map { Double($0.st_mtim.tv_sec) }
    let noted = lines.count > 2 ? Double(lines[2]) : nil
    isOutdated = (changed ?? 0) > (noted ?? .infinity) + 1
  }

  /// The name of the blob that a file of the shared cache is a link to.
  private static func linkedBlob(_ file: String) -> String? {
    guard let target = FileSystem.linkTarget(file) else { return nil }
    let parts = target.split(separator: "/")
    return parts.dropLast().last == "blobs" ? parts.last.map(String.init) : nil
  }

  private static func checksum(_ etag: String) -> Checksum? {
    let digits = etag.trimmingCharacters(in: CharacterSet(charactersIn: "\"")).lowercased()
    guard digits.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
    switch digits.utf8.count {
    case 64: return .sha256(digits)
    case 40: return .gitBlob(digits)
    default: return nil
    }
  }
}
