package import CogBase

/// Videos that a user named one by one, in folders, or in lists.
package struct VideoList: Equatable, Sendable {
  /// One video.
  package struct Entry: Equatable, Sendable {
    /// What results call it: its path in the folder or beside the list that it was found in.
    package let name: String
    /// Where it is.
    package let path: String
  }

  /// In the order in which they were named, those of a folder in the order of the bytes of their names; each
  /// name once.
  package private(set) var entries: [Entry] = []
  /// The files and folders that were read to find them.
  package private(set) var sources: [String] = []
  private var pathByName: [String: String] = [:]

  /// Endings of names of videos in folders, where not everything is one.
  package static let endings: Set<String> = [
    "3gp", "avi", "flv", "gif", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts", "ogv", "ts", "webm",
    "wmv",
  ]
  /// Columns of tables that have videos, the likeliest first.
  package static let columns = ["video", "video_path", "file_name", "file_path", "path", "file"]
  private static let deepestFolder = 64

  /// Finds the videos that paths lead to: a folder's, with those of its folders; a list's, which is text; or
  /// the file itself.
  ///
  /// - Parameter column: the column of tables, or the key of JSON lines; nil takes the first known one.
  /// - Throws: ``CogError`` when a folder has no video, a list cannot be read, two videos have one name, or
  ///   a column is named where there is no list.
  package init(_ paths: [String], column: String? = nil, cancellation: any Cancellation = NeverCancelled())
    throws
  {
    var hasList = false
    for path in paths {
      try cancellation.check()
      sources.append(path)
      if FileSystem.status(of: path)?.isFolder == true {
        let walk = FolderWalk(cancellation: cancellation)
        let before = entries.count
        try walk.run(path, "", depth: Self.deepestFolder) { try add($0, path.appendingPath($0)) }
        guard entries.count > before else {
          throw CogError(
            "the folder has no videos", code: .notFound, file: path,
            expected: "files that end in " + Self.endings.sorted().joined(separator: ", "))
        }
      } else if let names = try MappedFile.withBytes(
        ofFile: path,
        { bytes in
          try naming(file: path) { try VideoTable.names(in: bytes, column: column) }
        })
      {
        hasList = true
        for name in names { try add(name, name.isAbsolutePath ? name : path.besidePath(name)) }
      } else {
        try add(path.lastPathName, path)
      }
    }
    guard let column, !hasList else { return }
    throw CogError(
      "a column is named, and there is no list", file: paths.first, subject: "--column \(column)",
      expected: "comma-separated values or JSON lines", found: "videos and folders of them")
  }

  /// Where a video is; nil for one that is not in the list.
  package func path(of name: String) -> String? { pathByName[name] }

  private mutating func add(_ name: String, _ path: String) throws {
    let name = (name.hasPrefix("./") ? String(name.dropFirst(2)) : name).shown
    if let other = pathByName[name] {
      guard FileSystem.realPath(other) != FileSystem.realPath(path) else { return }
      throw CogError(
        "two videos have one name", file: path, expected: "names that differ", found: other,
        advice: "Name a folder that has both, or a list with longer paths.")
    }
    guard entries.count < VideoTable.mostNames else {
      throw CogError("too many videos", file: path, expected: "at most \(VideoTable.mostNames)")
    }
    pathByName[name] = path
    entries.append(Entry(name: name, path: path))
  }
}

/// The videos in a folder and in those below it.
private struct FolderWalk {
  let cancellation: any Cancellation

  /// - Parameter depth: so many folders deep; links may go round in circles.
  func run(_ folder: String, _ prefix: String, depth: Int, found: (String) throws -> Void) throws {
    try cancellation.check()
    let names = try FolderListing.visibleNames(in: prefix.isEmpty ? folder : folder.appendingPath(prefix))
    for name in names.sorted(by: { $0.pathBytes.lexicographicallyPrecedes($1.pathBytes) }) {
      let inner = prefix.isEmpty ? name : prefix.appendingPath(name)
      let path = folder.appendingPath(inner)
      guard let status = FileSystem.status(of: path) else { continue }
      if status.isFolder {
        // A folder behind a link would be found twice, or for ever.
        guard depth > 0, FileSystem.linkTarget(path) == nil else { continue }
        try run(folder, inner, depth: depth - 1, found: found)
      } else if status.isRegular, VideoList.endings.contains(ending(of: name)) {
        try found(inner)
      }
    }
  }

  private func ending(of name: String) -> String {
    name.split(separator: ".").dropFirst().last.map { $0.lowercased() } ?? ""
  }
}
