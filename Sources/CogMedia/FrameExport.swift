package import CogBase
import Glibc

/// Writes what a model is shown of a video into a folder: the chosen frames, the prepared images, and a
/// table, ``FrameTable``.
///
/// Only what an earlier export has written, by the table that it left, is written over or removed.
package struct FrameExport {
  /// The folder, made when it does not exist; its parent must.
  private let place: OutputPlace
  /// What is read.
  private let inputs: [String]
  /// Whether to write over files that no export wrote.
  private let insists: Bool

  /// Finds out whether frames can be written into a folder; nothing is written.
  ///
  /// - Parameters:
  ///   - folder: where to.
  ///   - inputs: what is read, the video at least: never written over.
  ///   - insists: whether other files of the names are written over.
  /// - Throws: `CogError` when the place is no folder, or is the video itself.
  package init(to folder: String, besides inputs: [String] = [], insists: Bool = false) throws {
    place = OutputPlace(folder)
    self.inputs = inputs
    self.insists = insists
    try place.require(OutputKind(folder: "a folder of frames"), besides: inputs)
    try requirePlace(FrameTable.name)
  }

  /// Writes `frame-PP.png`, `prepared-PP.png` (PP the place among the chosen frames, from 00) and
  /// `frames.csv`.
  ///
  /// All are made first, then get their names, the table last. Files of an earlier export that are none of
  /// these are removed.
  ///
  /// - Parameters:
  ///   - source: the video; one decoded frame is in memory at a time.
  ///   - selection: the chosen frames.
  ///   - preparation: the size of the prepared images.
  ///   - cancellation: asked before every frame.
  /// - Returns: the paths of the written files, the table last, and the frames.
  /// - Throws: `CogError` when a file cannot be written, or there is one of the name that no export wrote;
  ///   what `cancellation` throws. Nothing is changed then.
  @discardableResult
  package func write(
    _ source: any FrameSource, _ selection: FrameSelection, preparation: ImagePreparation,
    cancellation: any Cancellation = NeverCancelled()
  ) throws -> (files: [String], frames: [VideoFrame]) {
    let isNew = FileSystem.makeFolder(place.path) == 0
    if !isNew && errno != EEXIST {
      throw CogError.system("cannot create the folder", file: place.name, code: errno)
    }
    do {
      return try withLock { try writeAll(source, selection, preparation, cancellation) }
    } catch {
      // Only an empty folder goes.
      if isNew { _ = FileSystem.removeFolder(place.path) }
      throw error
    }
  }

  private func writeAll(
    _ source: any FrameSource, _ selection: FrameSelection, _ preparation: ImagePreparation,
    _ cancellation: any Cancellation
  ) throws -> (files: [String], frames: [VideoFrame]) {
    let earlier = FrameTable(of: place.path)
    var frames = zip(selection.indices, selection.times).map { VideoFrame(index: $0, seconds: $1) }
    var written: [(place: Int, row: FrameTable.Row, files: [AtomicFile])] = []
    func make(_ name: String, _ bytes: [UInt8]) throws -> (AtomicFile, UInt32) {
      let checksum = Checksum.crc32(bytes)
      try requireOwn(name, earlier, new: checksum)
      return (try file(name, bytes), checksum)
    }
    try source.stream(selection) { places, decoded in
      try cancellation.check()
      let (small, whole) = try naming(file: place.name) {
        (try PNGWriter.encode(preparation.picture(of: decoded.prepared(preparation))), try decoded.png())
      }
      for place in places {
        let number = place < 10 ? "0\(place)" : "\(place)"
        let (frame, prepared) = ("frame-\(number).png", "prepared-\(number).png")
        let ((first, firstSum), (second, secondSum)) = (try make(frame, whole), try make(prepared, small))
        let row = FrameTable.Row(
          index: selection.indices[place], seconds: selection.times[place], frame: frame,
          prepared: prepared, checksums: (firstSum, secondSum))
        written.append((place, row, [first, second]))
        frames[place].damage = decoded.damage
      }
    }
    written.sort { $0.place < $1.place }
    let rows = written.map(\.row)
    if earlier?.hasChecksums != true { try requireOwn(FrameTable.name, nil, new: nil) }
    let files = written.flatMap(\.files) + [try file(FrameTable.name, Array(FrameTable.text(rows).utf8))]
    try cancellation.check()
    for file in files { try file.commit() }
    removeRest(of: earlier, but: Set(rows.flatMap { [$0.frame, $0.prepared] }))
    return (files.map(\.path), frames)
  }

  private func path(_ name: String) -> String { place.name.appendingPath(name) }

  /// A file that is whole on the disk and has its name once it is committed.
  private func file(_ name: String, _ bytes: [UInt8]) throws -> AtomicFile {
    let file = try AtomicFile(path: path(name), besides: inputs)
    try file.write(bytes)
    try file.seal()
    return file
  }

  private func requirePlace(_ name: String) throws {
    try OutputPlace(path(name)).require(.file, besides: inputs)
  }

  /// - Throws: `CogError` when there is a file of the name that is none that an export wrote, as it wrote it.
  private func requireOwn(_ name: String, _ earlier: FrameTable?, new: UInt32?) throws {
    try requirePlace(name)
    guard !insists, FileSystem.isThere(path(name)) else { return }
    if let found = checksum(of: name), found == new || found == earlier?.checksums[name] { return }
    throw CogError(
      "a file is there that frames did not write, or that was changed since", file: path(name),
      expected: earlier?.hasChecksums == true
        ? "what \(FrameTable.name) lists" : "a new folder, or one that frames has written",
      advice: "Choose another folder, or insist with --force.")
  }

  private func checksum(of name: String) -> UInt32? {
    let path = path(name)
    // An empty file has no bytes to map.
    if FileSystem.status(of: path)?.st_size == 0 { return Checksum.crc32([]) }
    return try? MappedFile.withBytes(ofFile: path) { Checksum.crc32($0) }
  }

  /// Removes what an earlier, longer export wrote: beside the new frames it would be taken for one of them.
  private func removeRest(of earlier: FrameTable?, but kept: Set<String>) {
    for (name, listed) in earlier?.checksums ?? [:] where !kept.contains(name) {
      guard FileSystem.linkStatus(of: path(name))?.isRegular == true, checksum(of: name) == listed,
        (try? requirePlace(name)) != nil
      else { continue }
      FileSystem.remove(path(name))
    }
  }

  /// Keeps other exports out of the folder meanwhile.
  private func withLock<Result>(_ body: () throws -> Result) throws -> Result {
    let descriptor = FileSystem.open(place.path, O_RDONLY | O_DIRECTORY)
    guard descriptor >= 0 else {
      throw CogError.system("cannot open the folder", file: place.name, code: errno)
    }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
      throw CogError(
        "another process is writing frames here", code: .busy, file: place.name,
        advice: "Wait until it is done, or choose another folder.")
    }
    return try body()
  }
}
