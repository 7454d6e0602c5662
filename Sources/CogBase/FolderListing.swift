import Glibc

/// What lies in a folder.
package enum FolderListing {
  /// The names of everything in the folder, in no order, without `.` and `..`.
  ///
  /// - Throws: ``CogError`` when the folder cannot be read.
  package static func names(in path: String) throws -> [String] {
    guard let folder = FileSystem.openFolder(path) else {
      throw CogError.system("cannot list the folder", file: path, code: errno)
    }
    defer { closedir(folder) }
    var names: [String] = []
    errno = 0
    while let entry = readdir(folder) {
      // `d_name` is an array in a struct whose true size varies: read it where it lies.
      let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
      let name = UnsafeRawPointer(entry) + offset
      let length = strlen(name.assumingMemoryBound(to: CChar.self))
      names.append(String(pathBytes: UnsafeRawBufferPointer(start: name, count: length)))
      errno = 0
    }
    if errno != 0 { throw CogError.system("cannot list the folder", file: path, code: errno) }
    return names.filter { $0 != "." && $0 != ".." }
  }

  /// The names that are not hidden: a name with a dot in front is a person's note or the system's, such as
  /// the `._NAME` that macOS writes beside each file on other file systems, and no input.
  ///
  /// - Throws: as ``names(in:)``.
  package static func visibleNames(in path: String) throws -> [String] {
    try names(in: path).filter { $0.utf8.first != UInt8(ascii: ".") }
  }
}
