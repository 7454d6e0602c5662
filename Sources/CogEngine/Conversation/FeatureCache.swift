import CogBase
import CogCompute
package import CogMedia
import Crypto
import Foundation
import Glibc
import Synchronization

/// Features of videos in a folder that several processes may share: a file for each video, named by all that
/// decides about their bits.
///
/// A file appears when it is whole, and is believed only when its checksum is right; one that is damaged, or
/// cannot be written, costs no more than making the features anew. When there are too many, those go that
/// were not used for the longest time.
package final class FeatureCache: Sendable {
  /// Where the features of one video are, and what the video was when that was found out.
  package struct Place: Equatable, Sendable {
    fileprivate let path: String
    fileprivate let video: VideoState
  }

  private let folder: String
  private let limit: Int
  /// The video that was asked for last: parts of one often follow each other, and it is read once.
  private let lastVideo = Mutex<KnownVideo?>(nil)

  private static let magic = Array("cogvlm features 1\n".utf8)
  private static let longestHeader = 1 << 20
  private static let largestFile = 1 << 30
  /// Seconds after which the unfinished file of a process that was killed is nobody's.
  private static let oldestUnfinished = 86_400

  /// A cache in a folder, which is made where there is none.
  ///
  /// - Parameter limit: bytes that its files may have together.
  /// - Throws: ``CogError`` when the folder cannot be made, or nothing be written into it.
  package init(path: String, limit: Int) throws {
    (folder, self.limit) = (path, limit)
    try FileSystem.requireFolder(path)
    // Said now rather than never: later a file that cannot be written is passed over.
    // It has a name of the cache's own, so that one that a killed process leaves is taken away.
    let name = String(repeating: "0", count: 2 * SHA256.byteCount) + EntryName.ending
    try AtomicFile(path: path.appendingPath(name)).abandon()
  }

  // MARK: Names

  /// Where the features of a video are, or belong; nil for what is no file and no folder, which the decoder
  /// names.
  ///
  /// - Parameter rule: the choice of frames, in words.
  /// - Throws: ``CogError`` when the video cannot be read; what the engine's cancellation throws.
  func place(of video: VideoInput, rule: String, _ engine: Engine) throws -> Place? {
    guard let status = FileSystem.status(of: video.path), status.isRegular || status.isFolder else {
      return nil
    }
    let known = try identify(video.path, engine.context.cancellation)
    let facts = Self.facts(of: video, rule: rule, engine) + ["video \(known.digest)"]
    let text = facts.map { $0 + "\n" }.joined()
    let name = SHA256.hash(data: Array(text.utf8)).hexadecimal + EntryName.ending
    return Place(path: folder.appendingPath(name), video: known.state)
  }

  /// What decides about the bits of the features besides the bytes of the video.
  package static func facts(of video: VideoInput, rule: String, _ engine: Engine) -> [String] {
    let compute = engine.compute
    return [
      "model \(engine.file.digest)", "mode \(compute.mode.rawValue)", "kernels \(compute.kernels.name)",
      "BLAS \(BLASCore.name)", "threads \(compute.threads.threadCount)", "tool \(Version.tool)",
      "decoder \(VideoInput.decoderVersion)", "frames \(rule)",
      "rate \(video.imagesPerSecond.map { "\($0)" } ?? "-")", "damage \(video.toleratesDamage)",
    ]
  }

  private func identify(_ path: String, _ cancellation: any Cancellation) throws -> KnownVideo {
    let state = VideoState(of: path)
    if let last = lastVideo.withLock({ $0 }), last.path == path, last.state == state { return last }
    let known = try KnownVideo(path, state, cancellation: cancellation)
    lastVideo.withLock { $0 = known }
    return known
  }

  // MARK: Reading

  private struct Header: Codable {
    let rows: Int
    let columns: Int
    let frames: [VideoFrame]
  }

  /// The features that are kept; nil where there are none, or damaged ones.
  func features(at place: Place) -> VideoFeatures? {
    let found = try? MappedFile.withBytes(ofFile: place.path) { Self.decode($0) }
    guard let features = found ?? nil else { return nil }
    FileSystem.touch(place.path)
    return features
  }

  private static func decode(_ bytes: UnsafeRawBufferPointer) -> VideoFeatures? {
    guard bytes.count <= largestFile, bytes.starts(with: magic) else { return nil }
    let content = UnsafeRawBufferPointer(rebasing: bytes.dropLast(SHA256.byteCount))
    guard SHA256.hash(data: content).elementsEqual(bytes.suffix(SHA256.byteCount)) else { return nil }
    let start = magic.count
    guard let end = content[start...].prefix(longestHeader).firstIndex(of: UInt8(ascii: "\n")),
      let header = try? JSONDecoder().decode(Header.self, from: Data(content[start..<end])),
      header.rows > 0, header.columns > 0, !header.frames.isEmpty,
      let count = try? Checked.multiply(header.rows, header.columns, "features"),
      let size = try? Checked.multiply(count, MemoryLayout<Float>.size, "features"),
      size == content.count - end - 1
    else { return nil }
    let matrix = FloatMatrix(uninitializedRows: header.rows, columns: header.columns)
    UnsafeMutableRawPointer(matrix.pointer).copyMemory(
      from: UnsafeRawPointer(content.baseAddress.map { $0 + end + 1 } ?? UnsafeRawPointer(matrix.pointer)),
      byteCount: size)
    return VideoFeatures(matrix: matrix, frames: header.frames)
  }

  // MARK: Writing

  /// Keeps features, unless the video has become another one meanwhile, or they are larger than the cache.
  func keep(_ features: VideoFeatures, of video: VideoInput, at place: Place) {
    guard VideoState(of: video.path) == place.video else { return }
    // Without it the next process looks at the video anew.
    try? write(features, to: place.path)
    removeOldest()
  }

  private func write(_ features: VideoFeatures, to path: String) throws {
    let matrix = features.matrix
    let header = Header(rows: matrix.rows, columns: matrix.columns, frames: features.frames)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let start = try Self.magic + Array(encoder.encode(header)) + [UInt8(ascii: "\n")]
    let values = UnsafeRawBufferPointer(start: matrix.pointer, count: matrix.count * MemoryLayout<Float>.size)
    guard start.count + values.count + SHA256.byteCount <= min(limit, Self.largestFile) else { return }
    var hash = SHA256()
    hash.update(data: start)
    hash.update(bufferPointer: values)
    let file = try AtomicFile(path: path)
    try file.write(start)
    try withExtendedLifetime(matrix) { try file.write(values) }
    try file.write(Array(hash.finalize()))
    try file.commit()
  }

  /// Removes what was not used for the longest time until the rest fits; other processes may do so too. Files
  /// that somebody else has put into the folder stay.
  private func removeOldest() {
    let names = (try? FolderListing.visibleNames(in: folder)) ?? []
    var files: [(path: String, size: Int, used: timespec)] = []
    for name in names {
      guard let kind = EntryName(name) else { continue }
      let path = folder.appendingPath(name)
      guard let status = FileSystem.linkStatus(of: path), status.isRegular else { continue }
      switch kind {
      case .features: files.append((path, Int(status.st_size), status.st_mtim))
      case .unfinished:
        if time(nil) - status.st_mtim.tv_sec > Self.oldestUnfinished { removeOwn(path) }
      }
    }
    var total = files.reduce(0) { $0 + $1.size }
    let oldestFirst = files.sorted { ($0.used.tv_sec, $0.used.tv_nsec) < ($1.used.tv_sec, $1.used.tv_nsec) }
    for file in oldestFirst {
      guard total > limit else { return }
      if removeOwn(file.path) { total -= file.size }
    }
  }

  /// Removes a file unless it begins with something else than features do; one that has no bytes yet, or too
  /// few, is an own one.
  @discardableResult
  private func removeOwn(_ path: String) -> Bool {
    // An empty file cannot be mapped.
    let isEmpty = FileSystem.status(of: path)?.st_size == 0
    let isOwn = try? MappedFile.withBytes(ofFile: path) { $0.starts(with: Self.magic.prefix($0.count)) }
    guard isEmpty || isOwn == true else { return false }
    FileSystem.remove(path)
    return true
  }
}

/// What a name in the folder of a ``FeatureCache`` stands for.
private enum EntryName {
  /// Features of a video: the digest of what decides about them, and ``ending``.
  case features
  /// What a process writes, or has left: that name, and what an ``AtomicFile`` appends to it.
  case unfinished

  static let ending = ".features"

  /// Nil for a name that the cache gives to nothing.
  init?(_ name: String) {
    let digits = name.utf8.prefix(2 * SHA256.byteCount)
    guard digits.count == 2 * SHA256.byteCount, digits.allSatisfy(Self.hexadecimal.contains) else {
      return nil
    }
    let rest = name.dropFirst(digits.count)
    if rest == Self.ending {
      self = .features
    } else if AtomicFile.isTemporary(rest, of: Self.ending) {
      self = .unfinished
    } else {
      return nil
    }
  }

  private static let hexadecimal = Set("0123456789abcdef".utf8)
}

/// What tells whether a video is still the one that was read: of each of its files the name, the size and the
/// time.
private struct VideoState: Equatable, Sendable {
  fileprivate let paths: [String]
  private let files: [[Int]]

  /// The state of a file or of a folder's files.
  init(of path: String) {
    paths = Self.paths(of: path)
    files = paths.map { path in
      guard let status = FileSystem.status(of: path) else { return [] }
      return [
        Int(status.st_ino), Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
      ]
    }
  }

  private static func paths(of path: String) -> [String] {
    guard FileSystem.status(of: path)?.isFolder == true else { return [path] }
    let names = (try? FolderListing.visibleNames(in: path)) ?? []
    return names.map { path.appendingPath($0) }.filter { FileSystem.status(of: $0)?.isRegular == true }.sorted
    {
      $0.pathBytes.lexicographicallyPrecedes($1.pathBytes)
    }
  }
}

/// A video whose bytes were read.
private struct KnownVideo: Sendable {
  let path: String
  /// What it was before they were.
  let state: VideoState
  /// The SHA-256 of its bytes; of a folder, of the names and bytes of its files.
  let digest: String

  init(_ path: String, _ state: VideoState, cancellation: any Cancellation) throws {
    (self.path, self.state) = (path, state)
    var hash = SHA256()
    let isFolder = FileSystem.status(of: path)?.isFolder == true
    for file in state.paths {
      let size = FileSystem.status(of: file).map { "\($0.st_size)" } ?? "-"
      hash.update(data: Array((isFolder ? "\(file.lastPathName) \(size)\n" : "\(size)\n").utf8))
      try Self.update(&hash, with: file, cancellation)
    }
    digest = hash.finalize().hexadecimal
  }

  private static func update(_ hash: inout SHA256, with path: String, _ cancellation: any Cancellation) throws
  {
    let descriptor = FileSystem.openForReading(path)
    guard descriptor >= 0 else { throw CogError.system("cannot open", file: path, code: errno) }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      try cancellation.check()
      let count = Glibc.read(descriptor, &bytes, bytes.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw CogError.system("cannot read", file: path, code: errno) }
      guard count > 0 else { return }
      hash.update(data: bytes.prefix(count))
    }
  }
}
