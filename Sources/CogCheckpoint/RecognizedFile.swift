package import CogBase

/// A regular file whose content told what it is. It is looked at once: what is read afterwards are the very
/// bytes that were looked at.
package struct RecognizedFile: Sendable {
  /// The path as it was given.
  package let path: String
  /// What it is.
  package let kind: FileKind
  /// Its bytes, or nil for an empty file.
  package let mapping: MappedFile?

  /// Looks at the beginning of a file, for a zip archive also at its directory.
  ///
  /// - Throws: ``CogError`` when the file cannot be read or is no regular file.
  package init(path: String) throws {
    self.path = path
    guard try FileStatus(path: path).requireRegular(path).byteCount > 0 else {
      (kind, mapping) = (.empty, nil)
      return
    }
    let file = try MappedFile(path: path)
    (kind, mapping) = (FileKind(of: file), file)
  }

  /// Its length in bytes.
  package var byteCount: Int { mapping?.bytes.count ?? 0 }

  /// The bytes of a file that has some.
  ///
  /// - Throws: ``CogError`` for an empty file.
  package func mapped() throws -> MappedFile {
    guard let mapping else { throw kind.refusal(of: path) }
    return mapping
  }

  /// Shows the bytes of a file that has some to `body`.
  ///
  /// - Throws: ``CogError`` for an empty file; what `body` throws.
  package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
    let mapping = try mapped()
    return try withExtendedLifetime(mapping) { try body(mapping.bytes) }
  }
}

/// What stands at a path, looked at once. A model's folder in the hub's cache is the snapshot in it.
package enum RecognizedPath: Sendable {
  /// A folder.
  case folder(String)
  /// A regular file.
  case file(RecognizedFile)

  /// - Throws: ``CogError`` when there is nothing at the path, it cannot be read, or is a pipe or a device;
  ///   when it is a folder of the hub's cache without the snapshot that it names.
  package init(_ path: String) throws {
    self =
      try FileStatus(path: path).isFolder
      ? .folder(HubFolder.snapshot(in: path) ?? path) : .file(RecognizedFile(path: path))
  }

  /// The path as it was given, in the hub's cache that of the snapshot.
  package var path: String {
    switch self {
    case .folder(let path): path
    case .file(let file): file.path
    }
  }

  /// What the file is; nil for a folder.
  package var kind: FileKind? { if case .file(let file) = self { file.kind } else { nil } }
}
