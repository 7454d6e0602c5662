public import Foundation

/// Where test data lies, and folders for what tests write.
public enum Fixtures {
  /// The folder of the package.
  public static let packageFolder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// `Tests/Fixtures`, which is committed.
  public static let folder = packageFolder.appending(path: "Tests/Fixtures")

  /// The folder of reference data beside a developer's checkout (CONTRIBUTING.md), or nil where there is
  /// none: tests that use it are skipped then, and their output says so.
  public static let sharedFolder: URL? = {
    let folder = packageFolder.appending(path: "../shared").standardizedFileURL
    return FileManager.default.fileExists(atPath: folder.appending(path: "reference").path) ? folder : nil
  }()

  /// A file or folder under `Tests/Fixtures`.
  public static func path(_ relative: String) -> String { folder.appending(path: relative).path }
}

/// A folder for one test, removed with the object.
public final class TemporaryFolder: Sendable {
  /// Where it is.
  public let url: URL

  /// Makes a new empty folder.
  public init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "cogvlm-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// The path of a file in the folder.
  public func path(_ name: String) -> String { url.appending(path: name).path }

  /// Writes a file into the folder and returns its path.
  public func write(_ bytes: some Sequence<UInt8>, as name: String) throws -> String {
    try Data(bytes).write(to: url.appending(path: name))
    return path(name)
  }

  /// The names of the files in the folder.
  public func contents() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
  }
}
