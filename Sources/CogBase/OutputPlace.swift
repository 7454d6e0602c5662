import Glibc

/// Where an output goes. Everything that is written asks here what may be written where.
///
/// - A link is followed: the output lands where it points, and the link stays.
/// - A device, a pipe, a socket, and what a process has open are refused: a file is renamed to its name when
///   it is whole, which would take the place of any of them.
/// - What is read in the same run is never written over, under whatever name.
package struct OutputPlace: Sendable {
  /// The path as the user gave it.
  package let name: String
  /// Where the output lands: the path with links followed.
  package let path: String
  /// Whether the name stands for standard output, in any of its spellings.
  package let isStandardOutput: Bool
  /// Why a link leads nowhere.
  private let problem: CogError?

  private static let mostLinks = 40

  /// The place of a name; nothing is made or refused before ``require(_:besides:)``.
  package init(_ name: String) {
    self.name = name
    var path = name
    var problem: CogError?
    var isStandardOutput = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].contains(name)
    var links = 0
    while !isStandardOutput, problem == nil, let target = FileSystem.linkTarget(path) {
      links += 1
      let folder = path.folderOfPath
      if FileSystem.isOfProcesses(folder) {
        isStandardOutput = Self.isOwn(folder) && path.lastPathName == "1"
        problem = Self.isNoFile(name, found: "what a process has open")
      } else if links > Self.mostLinks {
        problem = CogError.system("the link leads nowhere", file: name, code: ELOOP)
      }
      path = target.isAbsolutePath ? target : folder + target
    }
    self.problem = problem
    self.isStandardOutput = isStandardOutput
    self.path = problem == nil ? Self.named(path) : name
  }

  /// Whether a folder of the kernel's has what this process has open, by itself or by one of its threads.
  private static func isOwn(_ folder: String) -> Bool {
    guard let folder = FileSystem.realPath(folder) else { return false }
    return folder.utf8.starts(with: "/proc/\(getpid())/".utf8) && folder.lastPathName == "fd"
  }

  /// A path whose last part is a name, where it ends in `.` or `..`.
  private static func named(_ path: String) -> String {
    [".", ".."].contains(path.lastPathName) ? FileSystem.realPath(path) ?? path : path
  }

  /// Checks that the output can be written here.
  ///
  /// - Parameters:
  ///   - kind: what is written.
  ///   - inputs: what is read: files, and folders, of which everything in them counts as read but what looks
  ///     like an earlier output of the kind.
  /// - Throws: ``CogError`` when it is one of the inputs, a folder in place of a file or the other way round,
  ///   or something else that would be lost.
  package func require(_ kind: OutputKind, besides inputs: [String] = []) throws {
    guard !name.isEmpty else {
      throw CogError("the output has no name", expected: "the name of a file", found: "an empty one")
    }
    guard !isStandardOutput else {
      throw CogError(
        "\(kind.name) cannot be written to standard output", file: name,
        expected: "the name of a \(kind.isFolder ? "folder" : "file")",
        advice: "It appears under its name when it is whole.")
    }
    if let problem { throw problem }
    guard let status = FileSystem.status(of: path) else { return }
    try refuse(status, notOfKind: kind)
    for input in inputs { try refuse(input, status, kind) }
    guard kind.isFolder || status.isRegular else {
      throw Self.isNoFile(name, found: "a pipe, socket or device")
    }
  }

  /// Checks that a file beside the output, such as its unfinished part, takes the place of nothing else.
  ///
  /// - Parameter isFolder: whether a folder is to be there.
  /// - Throws: ``CogError`` when it would.
  package static func requireFree(_ path: String, isFolder: Bool = false, besides inputs: [String]) throws {
    guard let status = FileSystem.linkStatus(of: path) else { return }
    if let input = inputs.first(where: { FileSystem.status(of: $0)?.isSame(as: status) == true }) {
      throw CogError(
        "unfinished work would lie on one of the files that are read", file: path, found: input,
        advice: "Choose another name for the output.")
    }
    guard isFolder ? status.isFolder || status.isRegular : status.isRegular else {
      throw CogError(
        "what lies at the place of unfinished work is none", file: path,
        expected: "nothing, or what an earlier run has left",
        found: status.isFolder ? "a folder" : "a link, pipe, socket or device",
        advice: "Remove it, or choose another name for the output.")
    }
  }

  private func refuse(_ status: stat, notOfKind kind: OutputKind) throws {
    if kind.isFolder {
      guard status.isFolder else {
        throw CogError("the output is no folder", file: name, expected: "a new or an empty folder")
      }
    } else if status.isFolder {
      throw CogError(
        "the output is a folder", file: name, expected: "the name of a file", advice: "Add a file name.")
    }
  }

  private func refuse(_ input: String, _ status: stat, _ kind: OutputKind) throws {
    guard let other = FileSystem.status(of: input) else { return }
    guard !other.isSame(as: status) else {
      throw CogError(
        "the output is one of the files that are read", file: name, found: input,
        advice: "Choose another name.")
    }
    guard other.isFolder, status.isRegular, !kind.mayReplace(path), isIn(input, status) else { return }
    throw CogError(
      "the output is one of the files of the folder that is read", file: name,
      expected: "a new name, or \(kind.name)", found: input, advice: "Choose another name.")
  }

  private func isIn(_ folder: String, _ status: stat) -> Bool {
    if let own = FileSystem.status(of: path.folderOfPath), let other = FileSystem.status(of: folder),
      own.isSame(as: other)
    {
      return true
    }
    // What lies in the folder may be a link to what the output is.
    let names = (try? FolderListing.names(in: folder)) ?? []
    return names.contains { FileSystem.status(of: folder.appendingPath($0))?.isSame(as: status) == true }
  }

  private static func isNoFile(_ name: String, found: String) -> CogError {
    CogError(
      "the output is no regular file", file: name, expected: "a new name or that of a file", found: found,
      advice: "Choose another name.")
  }
}

/// What an output is, for ``OutputPlace``.
package struct OutputKind: Sendable {
  /// In words, such as "a model file".
  package let name: String
  /// Whether it is a folder.
  package let isFolder: Bool
  /// Endings of names of such files, in lower case.
  private let endings: [String]
  /// What each such file begins with.
  private let beginning: [UInt8]

  /// A kind of file.
  package init(_ name: String, endings: [String] = [], beginning: [UInt8] = []) {
    (self.name, isFolder, self.endings, self.beginning) = (name, false, endings, beginning)
  }

  /// A kind of folder.
  package init(folder name: String) { (self.name, isFolder, endings, beginning) = (name, true, [], []) }

  /// A file that nothing more is known of.
  package static let file = OutputKind("a file")

  /// Whether a file may well be an earlier output of the kind: its name or its beginning says so, or it is
  /// empty.
  func mayReplace(_ path: String) -> Bool {
    let name = path.lastPathName.lowercased()
    if endings.contains(where: name.hasSuffix) { return true }
    let descriptor = FileSystem.openForReading(path)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: max(beginning.count, 1))
    let count = read(descriptor, &bytes, bytes.count)
    return count == 0 || (!beginning.isEmpty && count == beginning.count && bytes == beginning)
  }
}
