import CogBase

/// How the files of an export name videos: by paths from their own folder, where programs that read them
/// begin.
package struct VideoNames: Sendable {
  private let folder: String
  private let videos: [String]
  /// What leads from the folder of the export to each folder of videos.
  private let ways: [String]

  /// Names in the files of a folder.
  ///
  /// - Parameters:
  ///   - folder: the folder of the export, which may not be there yet.
  ///   - videos: the folders that the names of a run start from, the first that has one counts; none where
  ///     that is the folder of the export.
  /// - Throws: ``CogError`` when there is no such folder.
  package init(in folder: String, videos: [String] = []) throws {
    (self.folder, self.videos) = (folder, videos)
    let own = Self.parts(Self.realPath(folder))
    ways = try videos.map { path in
      guard let real = FileSystem.realPath(path) else {
        throw CogError(
          "there is no such folder of videos", code: .notFound, file: path, expected: "what was captioned")
      }
      let other = Self.parts(real)
      let shared = zip(own, other).prefix { $0 == $1 }.count
      let up = [Substring](repeating: "..", count: own.count - shared)
      return (up + other.dropFirst(shared)).joined(separator: "/")
    }
  }

  /// The path of a video that a run names.
  ///
  /// - Throws: ``CogError`` when nothing is there.
  func path(of name: String) throws -> String {
    if name.isAbsolutePath { return name }
    if videos.isEmpty, FileSystem.isThere(folder.appendingPath(name)) { return name }
    if let place = videos.indices.first(where: { FileSystem.isThere(videos[$0].appendingPath(name)) }) {
      return ways[place].isEmpty ? name : ways[place].appendingPath(name)
    }
    throw CogError(
      "the name of a video does not lead to it", code: .notFound,
      file: (videos.first ?? folder).appendingPath(name), expected: "a video of the run",
      advice: "Give the folder that was captioned, or that of the list, with --videos.")
  }

  private static func parts(_ path: String) -> [Substring] { path.split(separator: "/") }

  /// The path of a folder without links, of which the last part may not be there.
  private static func realPath(_ path: String) -> String {
    if let real = FileSystem.realPath(path) { return real }
    var path = path
    while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
    let parent = path.folderOfPath
    return (FileSystem.realPath(parent) ?? parent).appendingPath(path.lastPathName)
  }
}
