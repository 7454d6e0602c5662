import CogBase
import CogCheckpoint
import Foundation

/// Tells native files from everything else by their content.
enum NativeKind {
  static func isNative(_ path: String) throws -> Bool {
    if isFolder(path) { return false }
    return try FileKind.sniff(path: path) == .native
  }

  static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }
}

/// Names inputs that are plainly something else, where their own reader could only say that they are not its
/// own.
enum Mislabeled {
  /// What no input of any command is, but what downloads turn into.
  private static let neverRight: Set<FileKind> = [.html, .lfsPointer, .gguf, .empty, .zeros, .torchLegacy]

  /// - Throws: ``CogError`` that names what the file is when it is none of what any command reads.
  static func refuse(_ path: String, expected: String) throws {
    guard let kind = try? FileKind.sniff(path: path), neverRight.contains(kind) else { return }
    var error = kind.refusal(of: path)
    error.expected = expected
    throw error
  }

  /// - Throws: ``CogError`` when the path is a folder or a file that `cogvlm convert` would read.
  static func refuseAsModel(_ path: String) throws {
    let expected = "a native model file (.cogvlm)"
    let advice = "Make one with cogvlm convert or cogvlm quantize."
    if NativeKind.isFolder(path) {
      throw CogError("this is a folder", file: path, expected: expected, advice: advice)
    }
    if let kind = try? FileKind.sniff(path: path), [.safetensors, .torchZip, .shardIndex].contains(kind) {
      throw CogError("this is \(kind.description)", file: path, expected: expected, advice: advice)
    }
    try refuse(path, expected: expected)
  }
}
