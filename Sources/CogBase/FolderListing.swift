import Glibc

/// What lies in a folder.
package enum FolderListing {
  /// The names of everything in the folder, in no order, without `.` and `..`.
  ///
  /// - Throws: ``CogError`` when the folder cannot be read.
  package static func names(in path: String) throws -> [String] {
    guard let folder = opendir(path) else {
      throw CogError.system("cannot list the folder", file: path, code: errno)
    }
    defer { closedir(folder) }
    var names: [String] = []
    errno = 0
    while let entry = readdir(folder) {
      // `d_name` is an array in a struct whose true size varies: read it where it lies.
      let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
      let name = UnsafeRawPointer(entry) + offset
      names.append(String(cString: name.assumingMemoryBound(to: CChar.self)))
      errno = 0
    }
    if errno != 0 { throw CogError.system("cannot list the folder", file: path, code: errno) }
    return names.filter { $0 != "." && $0 != ".." }
  }
}
