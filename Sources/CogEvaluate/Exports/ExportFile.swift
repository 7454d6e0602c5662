package import CogBase
import Glibc

/// A file that another program reads.
package struct ExportFile: Equatable, Sendable {
  /// Below the folder of the export.
  package let path: String
  /// What is in it.
  package let text: String
}

extension [ExportFile] {
  /// So few files are all written before the first one gets its name.
  private static var fewFiles: Int { 16 }

  /// Writes the files into a folder, which is made where it is not there and may have others.
  ///
  /// - Parameters:
  ///   - inputs: what is read, which is never written over.
  ///   - force: whether files with other content that have the same names are written over.
  /// - Returns: the paths of the files.
  /// - Throws: ``CogError`` when a file cannot be written, or stands there with other content; in that case
  ///   nothing is written.
  @discardableResult
  package func write(
    to folder: String, besides inputs: [String], force: Bool,
    cancellation: any Cancellation = NeverCancelled()
  ) throws -> [String] {
    try OutputPlace(folder).require(OutputKind(folder: "an export"))
    let files = map { (path: folder.appendingPath($0.path), bytes: Array<UInt8>($0.text.utf8)) }
    if !force {
      for (path, bytes) in files { try Self.requireSame(path, bytes) }
    }
    try Self.makeFolders(folder, of: files.map(\.path))
    var open: [AtomicFile] = []
    for (path, bytes) in files {
      try cancellation.check()
      let file = try AtomicFile(path: path, besides: inputs)
      try file.write(bytes)
      open.append(file)
      if files.count > Self.fewFiles { try Self.commit(&open) }
    }
    try Self.commit(&open)
    return files.map(\.path)
  }

  private static func commit(_ files: inout [AtomicFile]) throws {
    for file in files { try file.commit() }
    files = []
  }

  private static func requireSame(_ path: String, _ bytes: [UInt8]) throws {
    guard let status = FileSystem.status(of: path) else { return }
    let isSame =
      try status.isRegular && Int(status.st_size) == bytes.count
      && (bytes.isEmpty || MappedFile.withBytes(ofFile: path) { $0.elementsEqual(bytes) })
    guard !isSame else { return }
    throw CogError(
      "a file with another content stands at the place of an export", file: path,
      expected: "nothing, or what the same export has written",
      advice: "Write over such files with --force.")
  }

  /// Makes the folder and those below it that the files lie in.
  private static func makeFolders(_ folder: String, of paths: [String]) throws {
    var made: Set<String> = []
    try FileSystem.requireFolder(folder)
    for path in paths {
      let names = path.dropFirst(folder.count).split(separator: "/").dropLast()
      var inner = folder
      for name in names {
        inner = inner.appendingPath(String(name))
        if made.insert(inner).inserted { try FileSystem.requireFolder(inner) }
      }
    }
  }
}
