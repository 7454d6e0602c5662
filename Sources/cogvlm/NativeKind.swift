import CogCheckpoint
import Foundation

/// Tells native files from everything else by their content.
enum NativeKind {
  static func isNative(_ path: String) throws -> Bool {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      return false
    }
    return try FileKind.sniff(path: path) == .native
  }
}
