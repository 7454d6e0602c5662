import CogBase
import CogCompute
import CogEngine
import CogMedia
import CogModel
import CogTestSupport
import Testing

@Suite("Video encoder")
struct VideoEncoderTests {
  /// A video of noise whose source tells whether a frame that it lent out came back: it writes the next frame
  /// into the same memory, which Swift would copy if anybody still held the one before.
  private final class LentFrames: FrameSource {
    let path = "lent"
    let width = 48
    let height = 32
    let averageFrameRate = 0.5
    let times: [Float] = [0, 2, 4, 6]
    /// Frames that somebody kept.
    private(set) var kept = 0
    private(set) var lent: [Int] = []

    func decode(frames numbers: some Sequence<Int>, _ body: (DecodedFrame) throws -> Void) throws {
      var pixels = [UInt8](repeating: 0, count: width * height * 3)
      for number in Set(numbers).sorted() {
        var random = SplitMix64(seed: UInt64(number))
        let before = pixels.withUnsafeMutableBufferPointer { pixels in
          for index in pixels.indices { pixels[index] = UInt8(truncatingIfNeeded: random.next()) }
          return UInt(bitPattern: pixels.baseAddress)
        }
        try body(
          DecodedFrame(number: number, image: RGBImage(width: width, height: height, pixels: pixels)))
        lent.append(number)
        if pixels.withUnsafeMutableBufferPointer({ UInt(bitPattern: $0.baseAddress) }) != before { kept += 1 }
      }
    }
  }

  @Test("Each frame is decoded once and given back before the next one", arguments: FrameSampling.published)
  func streams(_ sampling: FrameSampling) throws {
    let source = LentFrames()
    let video = try PreparedVideo(source, source.select(sampling), size: 28)
    #expect(source.lent == [0, 1, 2, 3])
    #expect(source.kept == 0)
    // One frame for each second from 0 to 6, or 24 of them: some stand twice.
    #expect(video.frames.count == (sampling == .chat ? 7 : 24))
    let preparation = try ImagePreparation(size: 28)
    var prepared: [Int: [Float]] = [:]
    try LentFrames().decode(frames: 0..<4) { prepared[$0] = preparation.prepare($1) }
    for (row, frame) in video.frames.enumerated() {
      let index = try #require(frame.index)
      #expect(Array(video.images.row(row)) == prepared[index])
      #expect(frame.seconds == Double(2 * index))
    }
  }

  @Test("The source of the test notices a frame that is kept")
  func noticesKeptFrames() throws {
    let source = LentFrames()
    var images: [RGBImage] = []
    try source.decode(frames: 0..<4) { images.append($1) }
    #expect(source.kept == 4)
  }

  @Test("The features are those of the frames decoded, prepared and sent through the tower one after another")
  func features() throws {
    let engine = try Engine(path: QuantizedModel.path("tiny"), mode: .fast)
    let input = VideoInput(path: Fixtures.path("videos/h264_half_second.mp4"))
    for template in [PromptTemplate.chat, .base] {
      let features = try VideoEncoder(engine).encode(input, template: template)
      let sampled = try input.sample(template.frameSampling)
      let preparation = try ImagePreparation(size: engine.configuration.vision.imageSize)
      let images = FloatMatrix(
        sampled.images.flatMap(preparation.prepare), rows: sampled.images.count,
        columns: preparation.valueCount)
      #expect(features.matrix.values == (try engine.vision.forward(images)).values)
      #expect(features.frameCount == sampled.images.count)
      #expect(features.matrix.rows == features.frameCount * engine.configuration.vision.tokensPerFrame)
      #expect(features.indices == sampled.selection.indices)
      #expect(features.seconds == sampled.selection.times)
    }
  }
}
