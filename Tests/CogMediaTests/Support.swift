import CogBase
import CogMedia
import CogTestSupport
import Foundation
import Synchronization
import Testing

/// The folder of the committed clips.
let clipsFolder = Fixtures.path("videos")

/// One clip of `frames.json`.
struct ReferenceClip: Decodable, Sendable, CustomTestStringConvertible {
  struct Sampled: Decodable, Sendable {
    let indices: [Int]
    let checkedPositions: [Int]
    /// Mean red, green and blue of each checked frame.
    let rgbMean: [[Double]]
    /// For each checked frame `[3, 8, 8]`: averages of the prepared image over squares of 28 pixels.
    let image8x8: [[[[Double]]]]

    enum CodingKeys: String, CodingKey {
      case indices
      case checkedPositions = "checked_positions"
      case rgbMean = "rgb_mean"
      case image8x8 = "image_8x8"
    }
  }

  let file: String
  let error: String?
  let frames: Int?
  let averageFrameRate: Double?
  let width: Int?
  let height: Int?
  let firstTimestamp: Double?
  let lastTimestamp: Double?
  let chat: Sampled?
  let base: Sampled?

  enum CodingKeys: String, CodingKey {
    case file, error, frames, width, height, chat, base
    case averageFrameRate = "avg_fps"
    case firstTimestamp = "first_timestamp"
    case lastTimestamp = "last_timestamp"
  }

  var path: String { "\(clipsFolder)/\(file)" }
  var testDescription: String { file }

  func sampled(_ sampling: FrameSampling) -> Sampled? { sampling == .chat ? chat : base }

  static func load() throws -> [ReferenceClip] {
    let data = try Data(contentsOf: URL(filePath: "\(clipsFolder)/frames.json"))
    return try JSONDecoder().decode([ReferenceClip].self, from: data)
  }
}

/// One clip of `extra/extra.json`.
struct ExtraClip: Decodable, Sendable, CustomTestStringConvertible {
  let file: String
  let width: Int
  let height: Int
  let frames: Int
  let timestamps: [Double]
  /// The mean level of each frame.
  let mean: [Double]
  /// Mean colors of the quadrants of the first frame, `[2, 2, 3]`.
  let firstQuadrants: [[[Double]]]

  enum CodingKeys: String, CodingKey {
    case file, width, height, frames, timestamps, mean
    case firstQuadrants = "first_quadrants"
  }

  var path: String { "\(clipsFolder)/extra/\(file)" }
  var testDescription: String { file }

  static func load() throws -> [ExtraClip] {
    let data = try Data(contentsOf: URL(filePath: "\(clipsFolder)/extra/extra.json"))
    return try JSONDecoder().decode([ExtraClip].self, from: data)
  }
}

extension RGBImage {
  /// Mean red, green and blue over rows and columns.
  func meanColor(rows: Range<Int>? = nil, columns: Range<Int>? = nil) -> [Double] {
    let (rows, columns) = (rows ?? 0..<height, columns ?? 0..<width)
    var sums = [0, 0, 0]
    for row in rows {
      for column in columns {
        for channel in 0..<3 { sums[channel] += Int(pixels[(row * width + column) * 3 + channel]) }
      }
    }
    return sums.map { Double($0) / Double(rows.count * columns.count) }
  }

  /// The mean of all levels.
  var meanLevel: Double { meanColor().reduce(0, +) / 3 }
}

/// All frames of a video, decoded in one pass.
func decodeAll(_ path: String) throws -> [RGBImage] {
  let video = try VideoFile(path: path)
  var images: [RGBImage] = []
  try video.decode(frames: 0..<video.frameCount) { _, image in images.append(image) }
  return images
}

/// The error that `body` throws, which must name `file`.
func errorNaming(_ file: String, _ body: () throws -> Void) -> CogError? {
  let error = #expect(throws: CogError.self) { try body() }
  #expect(error?.file == file)
  return error
}

/// The largest difference of two equally long lists.
func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
  precondition(a.count == b.count)
  return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
}

/// A safetensors file of the reference data, read as far as these tests need it: format section "header".
struct ReferenceTensors {
  private let data: Data
  private let header: [String: Any]

  init(_ url: URL) throws {
    data = try Data(contentsOf: url)
    let length = Int(data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    header = try #require(
      JSONSerialization.jsonObject(with: data.subdata(in: 8..<8 + length)) as? [String: Any])
  }

  func has(_ name: String) -> Bool { header[name] != nil }

  func metadata(_ name: String) throws -> String {
    try #require((header["__metadata__"] as? [String: String])?[name])
  }

  func shape(_ name: String) throws -> [Int] {
    try #require((header[name] as? [String: Any])?["shape"] as? [Int])
  }

  func values<Element: BitwiseCopyable>(_ name: String, as type: Element.Type) throws -> [Element] {
    let range = try #require((header[name] as? [String: Any])?["data_offsets"] as? [Int])
    let length = Int(data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    let bytes = data.subdata(in: 8 + length + range[0]..<8 + length + range[1])
    return bytes.withUnsafeBytes { buffer in
      (0..<buffer.count / MemoryLayout<Element>.size).map {
        buffer.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Element>.size, as: Element.self)
      }
    }
  }
}

/// A cancellation that comes when it has been asked for so many times.
final class Countdown: Cancellation {
  struct Ended: Error {}

  private let count = Atomic<Int>(0)
  private let limit: Int

  init(_ limit: Int) { self.limit = limit }

  /// How often it was asked.
  var asked: Int { count.load(ordering: .relaxed) }

  func check() throws {
    if count.wrappingAdd(1, ordering: .relaxed).oldValue >= limit { throw Ended() }
  }
}
