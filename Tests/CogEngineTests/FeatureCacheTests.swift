import CogBase
import CogCompute
import CogEngine
import CogMedia
import CogModel
import CogTestSupport
import Foundation
import Synchronization
import Testing

@Suite struct FeatureCacheTests {
  private let folder: TemporaryFolder
  private let video: VideoInput

  init() throws {
    folder = try TemporaryFolder()
    video = VideoInput(path: folder.path("clip.mp4"))
    try FileManager.default.copyItem(
      atPath: Fixtures.path("sample/videos/v22_h264.mp4"), toPath: video.path)
  }

  private func encoder(_ mode: ComputeMode = .fast, limit: Int = 1 << 30) throws -> VideoEncoder {
    let engine = try Engine(
      path: QuantizedModel.path("sample"), mode: mode,
      context: RunContext(threads: ThreadPool(threadCount: 2)))
    return VideoEncoder(engine, cache: try FeatureCache(path: folder.path("cache"), limit: limit))
  }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path("cache")).sorted()
  }

  private func equal(_ a: VideoFeatures, _ b: VideoFeatures) -> Bool {
    a.frames == b.frames && a.matrix.rows == b.matrix.rows && a.matrix.columns == b.matrix.columns
      && a.matrix.values.map(\.bitPattern) == b.matrix.values.map(\.bitPattern)
  }

  /// Puts other features in the place of the kept ones, whose checksum is right: who gets them, has them from
  /// there.
  private func isUsed(_ encode: () throws -> VideoFeatures) throws -> Bool {
    let before = try names()
    let first = try encode()
    let path = try #require(Set(try names()).subtracting(before).first ?? before.first)
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1000)], ofItemAtPath: folder.path("cache/\(path)"))
    let second = try encode()
    let time = try FileManager.default.attributesOfItem(atPath: folder.path("cache/\(path)"))[
      .modificationDate]
    return equal(first, second) && (time as? Date ?? .distantPast) > Date(timeIntervalSince1970: 2000)
  }

  @Test("what is kept has the same bits and frames, and is used", arguments: ComputeMode.allCases)
  func same(mode: ComputeMode) throws {
    let encoder = try encoder(mode)
    let engine = try Engine(
      path: QuantizedModel.path("sample"), mode: mode,
      context: RunContext(threads: ThreadPool(threadCount: 2)))
    let expected = try VideoEncoder(engine).encode(video)
    #expect(try isUsed { try encoder.encode(video) })
    #expect(try equal(encoder.encode(video), expected))
    #expect(try names().count == 1)
    // The name of the video decides nothing, its bytes do.
    let copy = folder.path("copy.mp4")
    try FileManager.default.copyItem(atPath: video.path, toPath: copy)
    #expect(try equal(encoder.encode(VideoInput(path: copy)), expected))
    #expect(try names().count == 1)
  }

  @Test("whatever decides about the bits has features of its own")
  func keys() throws {
    let part = try #require(ClipBounds(start: 0, end: 1))
    _ = try encoder().encode(video)
    _ = try encoder(.float32).encode(video)
    _ = try encoder().encode(video, sampling: .uniform(2))
    _ = try encoder().encode(video.within(part), sampling: .uniform(2))
    _ = try encoder().encode(VideoInput(path: video.path, toleratesDamage: true))
    #expect(try names().count == 5)
    // Another video under the same name.
    try FileManager.default.removeItem(atPath: video.path)
    try FileManager.default.copyItem(
      atPath: Fixtures.path("sample/videos/v03_h264.mp4"), toPath: video.path)
    let other = try encoder().encode(video)
    #expect(try names().count == 6)
    #expect(try equal(encoder().encode(video), other))
  }

  @Test("the bytes of a video are read once for all of its parts, until it changes")
  func parts() throws {
    let counter = CheckCounter()
    let engine = try Engine(
      path: QuantizedModel.path("sample"), mode: .fast,
      context: RunContext(threads: ThreadPool(threadCount: 2), cancellation: counter))
    let encoder = VideoEncoder(engine, cache: try FeatureCache(path: folder.path("cache"), limit: 1 << 30))
    let part = try #require(ClipBounds(start: 0, end: 1))
    let parts = [video, video.within(part)]
    for part in parts { _ = try encoder.encode(part) }
    // What is kept is not computed anew, so that only reading the video asks whether it is wanted.
    func reads() throws -> Int {
      let before = counter.count
      for part in parts { _ = try encoder.encode(part) }
      return counter.count - before
    }
    #expect(try reads() == 0)
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1000)], ofItemAtPath: video.path)
    #expect(try reads() > 0)
    #expect(try reads() == 0)
    #expect(try names().count == 2)
  }

  @Test("a folder of images is known by all of its files")
  func imageFolders() throws {
    let images = folder.path("images")
    try FileManager.default.createDirectory(atPath: images, withIntermediateDirectories: false)
    for number in 0..<2 {
      try FileManager.default.copyItem(
        atPath: Fixtures.path("reports/stills/truncated-jpeg/0.jpg"), toPath: "\(images)/\(number).jpg")
    }
    let encoder = try encoder()
    func encode(_ rate: Double) throws {
      _ = try encoder.encode(VideoInput(path: images, imagesPerSecond: rate, toleratesDamage: true))
    }
    try encode(1)
    try encode(1)
    #expect(try names().count == 1)
    try encode(2)
    #expect(try names().count == 2)
    try FileManager.default.moveItem(atPath: "\(images)/1.jpg", toPath: "\(images)/2.jpg")
    try encode(1)
    #expect(try names().count == 3)
  }

  @Test("damaged files are passed over, and put right")
  func damage() throws {
    let expected = try encoder().encode(video)
    let path = folder.path("cache/\(try names()[0])")
    let whole = try Data(contentsOf: URL(filePath: path))
    let line = try #require(whole.dropFirst(20).firstIndex(of: UInt8(ascii: "\n")))
    for length in [0, 5, 17, 40, line + 1, whole.count - 1] {
      try whole.prefix(length).write(to: URL(filePath: path))
      #expect(try equal(encoder().encode(video), expected))
      #expect(try Data(contentsOf: URL(filePath: path)) == whole)
    }
    for place in [0, 30, line + 3, whole.count - 2] {
      var bytes = whole
      bytes[place] ^= 1
      try bytes.write(to: URL(filePath: path))
      #expect(try equal(encoder().encode(video), expected))
      #expect(try Data(contentsOf: URL(filePath: path)) == whole)
    }
  }

  @Test("the cache has no more than its size, and what was not used for the longest time goes first")
  func bounds() throws {
    _ = try encoder().encode(video, sampling: .uniform(1))
    let path = folder.path("cache/\(try names()[0])")
    let size = try Data(contentsOf: URL(filePath: path)).count
    _ = try folder.write([1], as: "cache/mine.txt")
    for count in 0..<4 {
      let copy = folder.path("\(count).mp4")
      var bytes = try Data(contentsOf: URL(filePath: video.path))
      // A box "free" of its own size.
      bytes.append(contentsOf: [0, 0, 0, UInt8(8 + count), 0x66, 0x72, 0x65, 0x65])
      bytes.append(contentsOf: [UInt8](repeating: 0, count: count))
      try bytes.write(to: URL(filePath: copy))
      _ = try encoder(limit: 3 * size + 64).encode(VideoInput(path: copy), sampling: .uniform(1))
      // Used again, so that it stays.
      _ = try encoder(limit: 3 * size + 64).encode(video, sampling: .uniform(1))
      #expect(try names().count <= 4)
    }
    let kept = try names()
    #expect(kept.count == 4 && kept.contains("mine.txt") && FileManager.default.fileExists(atPath: path))
    // What is larger than the whole cache is not kept.
    _ = try encoder(limit: 100).encode(video, sampling: .uniform(2))
    #expect(try names() == ["mine.txt"])
  }

  @Test("files of other people stay, whatever their names and their age")
  func otherFiles() throws {
    _ = try encoder().encode(video, sampling: .uniform(1))
    let own = try #require(try names().first)
    let digest = String(own.prefix(64))
    let others = [
      "resnet50.features", "train.features.csv", "\(own).csv", "\(own).tmp-", "\(own).tmp-1-2-3",
      "\(own).tmp-12a", "x\(own)", "\(digest.uppercased()).features", "\(digest.dropLast()).features",
    ]
    // Names of the cache's own, but not its bytes.
    let alike = ["\(digest.dropLast())\(digest.last == "0" ? "1" : "0").features", "\(own).tmp-1"]
    for name in others + alike { _ = try folder.write(Array("mine".utf8), as: "cache/\(name)") }
    let left = ["\(own).tmp-2", "\(own).tmp-31-4"]
    _ = try folder.write(Array("cogvlm fea".utf8), as: "cache/\(left[0])")
    _ = try folder.write([], as: "cache/\(left[1])")
    for name in try names() {
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1000)], ofItemAtPath: folder.path("cache/\(name)"))
    }
    _ = try encoder(limit: 100).encode(video, sampling: .uniform(2))
    #expect(try names() == (others + alike).sorted())
  }

  @Test("what decides about the bits has the libraries that decode in it")
  func decoder() throws {
    let engine = try Engine(
      path: QuantizedModel.path("sample"), mode: .fast,
      context: RunContext(threads: ThreadPool(threadCount: 2)))
    let facts = FeatureCache.facts(of: video, rule: "chat", engine)
    let fact = try #require(facts.first { $0.hasPrefix("decoder ") })
    #expect(fact.contains(/libavformat \d+\.\d+\.\d+, libavcodec \d+\.\d+\.\d+, libswscale \d+\./), "\(fact)")
  }

  @Test("several who fill it at once leave whole files")
  func together() async throws {
    let expected = try encoder().encode(video)
    try FileManager.default.removeItem(atPath: folder.path("cache/\(try names()[0])"))
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<4 { group.addTask { equal(try encoder().encode(video), expected) } }
      for try await isEqual in group { #expect(isEqual) }
    }
    #expect(try names().count == 1)
  }

  @Test("a folder that nothing can be written into is refused at once")
  func refused() throws {
    _ = try folder.write([1], as: "file")
    for path in ["file", "none/cache"] {
      #expect(throws: CogError.self) { try FeatureCache(path: folder.path(path), limit: 1) }
    }
  }
}

/// Counts how often it was asked whether the work is wanted, which it always is.
private final class CheckCounter: Cancellation {
  private let checks = Atomic(0)

  var count: Int { checks.load(ordering: .relaxed) }

  func check() { checks.add(1, ordering: .relaxed) }
}
