import CogBase

/// A model's folder in the cache of the Hugging Face hub: `models--OWNER--NAME` with `blobs`, `refs` and
/// `snapshots`. `refs/main` has the name of the folder in `snapshots` whose files are links to the blobs.
enum HubFolder {
  /// The folder of the snapshot in a model's folder of the cache; nil where the folder is none.
  ///
  /// - Throws: ``CogError`` when the snapshot is not there, or there are several and no `refs/main` says
  ///   which.
  static func snapshot(in folder: String) throws -> String? {
    let snapshots = folder.appendingPath("snapshots")
    guard isFolder(snapshots), ["refs", "blobs"].contains(where: { isFolder(folder.appendingPath($0)) }),
      !FileStatus.exists(folder.appendingPath("config.json"))
    else { return nil }
    let names = try FolderListing.visibleNames(in: snapshots)
      .filter { isFolder(snapshots.appendingPath($0)) }.sorted()
    guard let name = try main(of: folder) ?? (names.count == 1 ? names[0] : nil) else {
      throw CogError(
        names.isEmpty ? "the hub's folder has no snapshot" : "the hub's folder has several snapshots",
        code: .incomplete, file: folder, expected: "refs/main with the name of a folder in snapshots",
        found: names.isEmpty ? nil : names.prefix(3).joined(separator: ", "),
        advice: names.isEmpty ? "Download the model again." : "Give the path of one of them.")
    }
    guard names.contains(name) else {
      throw CogError(
        "the snapshot is missing", code: .incomplete, file: snapshots.appendingPath(name),
        expected: "a folder, by \(folder.appendingPath("refs/main"))", found: "no such folder",
        advice: "Download the model again, or give the path of another snapshot.")
    }
    return snapshots.appendingPath(name)
  }

  /// What `refs/main` says, or nil where there is none.
  private static func main(of folder: String) throws -> String? {
    let path = folder.appendingPath("refs/main")
    guard FileStatus.isRegularFile(path) else { return nil }
    let name = try MappedFile.withBytes(ofFile: path) { bytes in
      String(validating: bytes.prefix(256), as: UTF8.self)?.trimmingWhitespace()
    }
    guard let name, !name.isEmpty, !name.utf8.contains(UInt8(ascii: "/")),
      name.utf8.first != UInt8(ascii: ".")
    else {
      throw CogError(
        "the file does not name a snapshot", code: .damaged, file: path, expected: "the name of a folder",
        advice: "Download the model again, or give the path of the snapshot.")
    }
    return name
  }

  private static func isFolder(_ path: String) -> Bool { (try? FileStatus(path: path))?.isFolder == true }
}
