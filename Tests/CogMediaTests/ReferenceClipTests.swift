import CogBase
import CogMedia
import CogModel
import CogTestSupport
import Foundation
import Testing

@Suite("Reference clips")
struct ReferenceClipTests {
  @Test(
    "the frames, colors and prepared images are those of the reference", arguments: try ReferenceClip.load())
  func clip(_ clip: ReferenceClip) throws {
    if clip.error != nil {
      for sampling in FrameSampling.published {
        let error = errorNaming(clip.path) { _ = try VideoInput(path: clip.path).sample(sampling) }
        #expect(error?.problem.hasPrefix("no video frame can be decoded") == true)
      }
      return
    }
    for sampling in FrameSampling.published {
      let sampled = try VideoInput(path: clip.path).sample(sampling)
      let expected = try #require(clip.sampled(sampling))
      #expect(sampled.selection.indices == expected.indices)
      #expect(sampled.selection.frameCount == clip.frames)
      #expect(sampled.selection.width == clip.width && sampled.selection.height == clip.height)
      #expect(abs(sampled.selection.averageFrameRate - (clip.averageFrameRate ?? 0)) < 1e-4)
      try checkPixels(sampled, expected)
    }
    let times = try VideoFile(path: clip.path).times
    #expect(abs(Double(try #require(times.first)) - (clip.firstTimestamp ?? -1)) < 1e-4)
    #expect(abs(Double(try #require(times.last)) - (clip.lastTimestamp ?? -1)) < 1e-4)
  }

  private func checkPixels(_ sampled: SampledFrames, _ expected: ReferenceClip.Sampled) throws {
    let preparation = try ImagePreparation()
    for (entry, position) in expected.checkedPositions.enumerated() {
      let image = sampled.images[position]
      for (color, reference) in zip(image.meanColor(), expected.rgbMean[entry]) {
        #expect(abs(color - reference) < 1.0)
      }
      let planes = preparation.prepare(image)
      for channel in 0..<3 {
        for row in 0..<8 {
          for column in 0..<8 {
            var sum = 0.0
            for y in 0..<28 {
              for x in 0..<28 {
                sum += Double(planes[channel * 224 * 224 + (row * 28 + y) * 224 + column * 28 + x])
              }
            }
            #expect(abs(sum / (28 * 28) - expected.image8x8[entry][channel][row][column]) < 0.03)
          }
        }
      }
    }
  }
}

/// The reference bundles that have frames, as pairs of the bundle and its `.frames` file.
private let bundles: [URL] = {
  guard let shared = Fixtures.sharedFolder else { return [] }
  let folders = ["reference/tiny/references", "reference/llama3-vocab/references", "sample/references"]
  return folders.flatMap { folder in
    let url = shared.appending(path: folder)
    let files = (try? FileManager.default.contentsOfDirectory(at: url, includingPropertiesForKeys: nil)) ?? []
    return files.filter { $0.lastPathComponent.hasSuffix(".frames.safetensors") }.sorted { $0.path < $1.path }
  }
}()

@Suite(
  "Reference bundles", .enabled(if: Fixtures.sharedFolder != nil, "the shared reference data is not here"))
struct ReferenceBundleTests {
  /// The levels of decoded frames differ from the reference's by no more than this; 0 with the vector code of
  /// x86, where this was measured.
  private let levelTolerance = 2

  @Test("decoding gives the reference's frames", arguments: bundles)
  func frames(_ url: URL) throws {
    let (frames, bundle) = try load(url)
    let sampling = try PromptTemplate(named: bundle.metadata("template_version")).frameSampling
    let sampled = try VideoInput(path: videoPath(bundle, url)).sample(sampling)
    #expect(sampled.selection.indices == (try bundle.values("frame_indices", as: Int64.self)).map { Int($0) })
    let shape = try frames.shape("frames")
    #expect(shape == [sampled.images.count, sampled.selection.height, sampled.selection.width, 3])
    let levels = try frames.values("frames", as: UInt8.self)
    let decoded = sampled.images.flatMap(\.pixels)
    #expect(decoded.count == levels.count)
    let largest = zip(decoded, levels).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) }
    #expect(largest <= levelTolerance)
  }

  @Test("the reference's frames prepare to the reference's images", arguments: bundles)
  func images(_ url: URL) throws {
    let (frames, bundle) = try load(url)
    let shape = try frames.shape("frames")
    let levels = try frames.values("frames", as: UInt8.self)
    let images = try bundle.values("images", as: Float.self)
    let preparation = try ImagePreparation()
    let (frameSize, imageSize) = (shape[1] * shape[2] * 3, 3 * 224 * 224)
    for frame in 0..<(try bundle.shape("images"))[0] {
      let image = try RGBImage(
        width: shape[2], height: shape[1], pixels: Array(levels[frame * frameSize..<(frame + 1) * frameSize]))
      let expected = Array(images[frame * imageSize..<(frame + 1) * imageSize])
      let difference = largestDifference(preparation.prepare(image), expected)
      #expect(difference < 1e-6, "frame \(frame) of \(url.lastPathComponent)")
    }
  }

  private func load(_ url: URL) throws -> (ReferenceTensors, ReferenceTensors) {
    let name = url.lastPathComponent.replacingOccurrences(of: ".frames.", with: ".f32.")
    return (
      try ReferenceTensors(url), try ReferenceTensors(url.deletingLastPathComponent().appending(path: name))
    )
  }

  private func videoPath(_ bundle: ReferenceTensors, _ url: URL) throws -> String {
    let shared = try #require(Fixtures.sharedFolder)
    let folder = url.path.contains("/sample/") ? "sample/videos" : "videos"
    return shared.appending(path: "\(folder)/\(try bundle.metadata("video"))").path
  }
}
