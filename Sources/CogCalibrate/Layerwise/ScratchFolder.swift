import CogBase
import Glibc

/// The folder of a pass's activations, beside the output. A file in it says that it is one.
struct ScratchFolder {
  /// What a file has.
  enum File {
    /// What goes into the stage of a number.
    case stage(Int)
    /// What the vision tower gives, before prompts are made of it.
    case features

    var name: String {
      switch self {
      case .stage(let number): "stage-\(number)"
      case .features: "features"
      }
    }
  }

  private let path: String
  private static let mark = "unfinished-work"

  /// - Parameter isContinued: whether what an earlier run has left is kept.
  /// - Throws: `CogError` when the folder cannot be made, or something else is there, if only a folder that
  ///   somebody has put files in.
  init(_ path: String, isContinued: Bool) throws {
    self.path = path
    try requireOwn()
    if !isContinued { remove() }
    try FileSystem.requireFolder(path)
    let descriptor = FileSystem.open(path.appendingPath(Self.mark), O_WRONLY | O_CREAT | O_NOFOLLOW)
    guard descriptor >= 0 else { throw CogError.system("cannot create the file", file: path, code: errno) }
    close(descriptor)
  }

  private func requireOwn() throws {
    guard let status = FileSystem.linkStatus(of: path) else { return }
    let names = status.isFolder ? try FolderListing.names(in: path) : nil
    guard names?.isEmpty != true, names?.contains(Self.mark) != true else { return }
    throw CogError(
      "what lies at the place of the activations is no unfinished work", file: path,
      expected: "nothing, or what an earlier run has left",
      found: names?.min() ?? "no folder",
      advice: "Rename it, or choose another name for the output.")
  }

  /// A new file in the place of an old one. - Throws: `CogError` when it cannot be created.
  func create(_ file: File) throws -> ActivationFile {
    remove(file)
    return try ActivationFile(creating: path.appendingPath(file.name))
  }

  /// The last stage of a range whose input an earlier run has finished.
  func latest(above first: Int, upTo last: Int, identity: String) -> (stage: Int, file: ActivationFile)? {
    guard last > first else { return nil }
    for stage in (first + 1...last).reversed() {
      let path = path.appendingPath(File.stage(stage).name)
      if let file = ActivationFile(finished: path, identity: identity) { return (stage, file) }
    }
    return nil
  }

  /// Removes a file.
  func remove(_ file: File) { ActivationFile.remove(path.appendingPath(file.name)) }

  /// Removes what goes into the stages before one.
  func removeStages(before stage: Int) {
    for name in names where Self.number(name).map({ $0 < stage }) ?? false {
      remove(.stage(Self.number(name) ?? 0))
    }
  }

  /// Removes all files that a pass makes, and the folder where nothing else is in it.
  func remove() {
    for name in names where name == File.features.name || Self.number(name) != nil {
      ActivationFile.remove(path.appendingPath(name))
    }
    _ = FileSystem.remove(path.appendingPath(Self.mark))
    _ = FileSystem.removeFolder(path)
  }

  private var names: [String] { (try? FolderListing.visibleNames(in: path)) ?? [] }

  /// The number of a stage's file; nil for other files.
  private static func number(_ name: String) -> Int? {
    name.hasPrefix("stage-") ? Int(name.dropFirst("stage-".count)) : nil
  }
}
