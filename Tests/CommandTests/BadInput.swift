import CogTestSupport
import Foundation
import Testing

/// What happens to files: each makes a bad file of a good one.
enum Damage: String, CaseIterable, CustomTestStringConvertible {
  case truncated, empty, zeroFilled, firstBitFlipped, page, lfsPointer, gguf, legacyTorch, otherFile

  var testDescription: String { rawValue }

  /// Those that leave the beginning of the file, so that only its reader can tell.
  static let ofContent: [Damage] = [.truncated, .empty, .zeroFilled, .firstBitFlipped, .otherFile]
  /// Those that are named for what the file is.
  static let mislabeled: [Damage] = [.empty, .zeroFilled, .page, .lfsPointer, .gguf, .legacyTorch]

  func applied(to good: Data) -> Data {
    switch self {
    case .truncated: good.prefix(good.count * 3 / 5)
    case .empty: Data()
    case .zeroFilled: Data(count: good.count)
    case .firstBitFlipped: flipping(bit: 6, ofByte: 0, in: good)
    case .page: Data("<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n".utf8)
    case .lfsPointer:
      Data(
        """
        version https://git-lfs.github.com/spec/v1
        oid sha256:\(String(repeating: "4d", count: 32))
        size 9

        """.utf8)
    case .gguf: Data("GGUF".utf8) + Data([3, 0, 0, 0]) + Data(count: 256)
    case .legacyTorch:
      Data([0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E])
        + Data(count: 64)
    case .otherFile:
      Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) + Data((0...255).map { UInt8($0) })
    }
  }

  /// Words of the message for a file that is named for what it is.
  var name: String? {
    switch self {
    case .empty: "this is an empty file"
    case .zeroFilled: "this is a file of zero bytes"
    case .page: "this is an HTML page"
    case .lfsPointer: "this is a git-LFS pointer"
    case .gguf: "this is a GGUF file"
    case .legacyTorch: "this is a PyTorch file in the legacy form"
    default: nil
    }
  }
}

/// A copy with one bit changed.
func flipping(bit: Int, ofByte index: Int, in data: Data) -> Data {
  var copy = data
  copy[copy.startIndex + index] ^= 1 << UInt8(bit)
  return copy
}

extension TemporaryFolder {
  /// Copies a folder of the fixtures into this one and returns its path.
  func copy(_ fixture: String, as name: String = "copy") throws -> String {
    try FileManager.default.copyItem(atPath: Fixtures.path(fixture), toPath: path(name))
    return path(name)
  }

  /// Every file below the folder with its size.
  func inventory() throws -> [String: Int] {
    var files: [String: Int] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: url.path) {
      let attributes = try FileManager.default.attributesOfItem(atPath: path(name))
      files[name] = attributes[.size] as? Int ?? -1
    }
    return files
  }
}

/// Replaces a file's bytes by what `change` makes of them.
func rewrite(_ path: String, _ change: (Data) throws -> Data) throws {
  let url = URL(filePath: path)
  try change(Data(contentsOf: url)).write(to: url)
}

/// Runs a command that must refuse its input: status 2, one error that names the file and the cause, nothing
/// on standard output, and no file made, changed or left behind in `folder`.
@discardableResult
func expectRefusal(
  _ arguments: [String], naming file: String, saying cause: String? = nil, in folder: TemporaryFolder,
  sourceLocation: SourceLocation = #_sourceLocation
) throws -> Program.Outcome {
  let before = try folder.inventory()
  let outcome = try Command.run(arguments)
  let call = Comment(rawValue: "\(arguments.joined(separator: " ")): \(outcome.errors)")
  #expect(outcome.status == 2, call, sourceLocation: sourceLocation)
  #expect(outcome.output == "", call, sourceLocation: sourceLocation)
  #expect(outcome.errors.hasPrefix("error: "), call, sourceLocation: sourceLocation)
  #expect(outcome.errors.contains(file), call, sourceLocation: sourceLocation)
  #expect(outcome.errors.count(where: { $0 == "\n" }) == 1, call, sourceLocation: sourceLocation)
  // The cause: something beside the prefix and the path.
  #expect(outcome.errors.count > file.count + 25, call, sourceLocation: sourceLocation)
  if let cause { #expect(outcome.errors.contains(cause), call, sourceLocation: sourceLocation) }
  #expect(try folder.inventory() == before, call, sourceLocation: sourceLocation)
  return outcome
}
