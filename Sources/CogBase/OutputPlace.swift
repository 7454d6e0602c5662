import Glibc

/// The place of a new file.
package enum OutputPlace {
  /// Checks that `path` can become a new file and is none of the files that are read, under whatever name.
  ///
  /// - Throws: ``CogError`` when it is one of them, a folder, or something else that would be lost: a device,
  ///   a pipe.
  package static func check(_ path: String, sources: [String]) throws {
    guard let place = status(path) else { return }
    guard place.st_mode & S_IFMT != S_IFDIR else {
      throw CogError(
        "the output is a folder", file: path, expected: "the name of a file", advice: "Add a file name.")
    }
    for source in sources {
      guard let other = status(source), other.st_dev == place.st_dev, other.st_ino == place.st_ino else {
        continue
      }
      throw CogError(
        "the output is one of the files that are read", file: path, found: source,
        advice: "Choose another name.")
    }
    guard place.st_mode & S_IFMT == S_IFREG else {
      throw CogError(
        "the output is no regular file", file: path, expected: "a new name or that of a file",
        found: "a pipe, socket or device", advice: "Choose another name.")
    }
  }

  private static func status(_ path: String) -> stat? {
    var status = stat()
    return stat(path, &status) == 0 ? status : nil
  }
}
