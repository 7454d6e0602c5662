import CogBase
import CogCompute
import CogEngine
import CogMedia
import CogNative
import CogTestSupport
import Foundation
import Testing

/// What 8-bit activations cost: `fast` against `float32` on the same int4 weights.
@Suite struct FastModeTests {
  /// Relative L2 errors of one tap.
  struct TapError {
    let name: String
    let isolated: Double
    let accumulated: Double
  }

  @Test(
    "fast stays within 1e-2 isolated and 3e-2 accumulated of float32 on the same weights",
    arguments: ["sample", "tiny"])
  func errors(_ model: String) throws {
    let file = try NativeFile(path: QuantizedModel.path(model))
    let exact = try Engine(file: file, mode: .float32)
    let fast = try Engine(file: file, mode: .fast)
    let taps = try visionErrors(exact, fast) + languageErrors(exact, fast)
    #expect(taps.count > 10)
    for tap in taps {
      #expect(tap.isolated <= 1e-2, "\(model) \(tap.name) isolated \(tap.isolated)")
      #expect(tap.accumulated <= 3e-2, "\(model) \(tap.name) accumulated \(tap.accumulated)")
    }
  }

  /// Two prepared frames of a real clip.
  private static func images(_ engine: Engine) throws -> FloatMatrix {
    let video = VideoInput(path: Fixtures.path("sample/videos/v22_h264.mp4"))
    return try VideoEncoder(engine).prepare(video).images.copyRows(0..<2)
  }

  private func visionErrors(_ exact: Engine, _ fast: Engine) throws -> [TapError] {
    let images = try Self.images(exact)
    return try compare(exact.vision.pass(images), fast.vision.pass(images), input: images)
  }

  private func languageErrors(_ exact: Engine, _ fast: Engine) throws -> [TapError] {
    let prompt = try exact.prompt(
      frameCount: 0, query: String(repeating: "Which way does the circle move? ", count: 12))
    let input = ModelInput(prompt, features: nil)
    let embeddings = try exact.language.embedding(
      ids: input.ids, tokenTypes: input.tokenTypes, features: nil)
    return try compare(
      Session(exact, capacity: prompt.count).begin(input), Session(fast, capacity: prompt.count).begin(input),
      input: embeddings)
  }

  private func compare(_ exact: ForwardPass, _ fast: ForwardPass, input: FloatMatrix) throws -> [TapError] {
    var (exact, fast, input) = (exact, fast, input)
    var errors: [TapError] = []
    while let tap = try fast.advance() {
      let isolated = tap.stage.runIsolated(input)
      input = try #require(try exact.advance()).value
      errors.append(
        TapError(
          name: tap.point.name, isolated: relativeL2(isolated, input),
          accumulated: relativeL2(tap.value, input)))
    }
    return errors
  }

  private func relativeL2(_ a: FloatMatrix, _ b: FloatMatrix) -> Double {
    let (difference, norm) = zip(a.values, b.values).reduce(into: (0.0, 0.0)) { sums, pair in
      let delta = Double(pair.0) - Double(pair.1)
      sums.0 += delta * delta
      sums.1 += Double(pair.1) * Double(pair.1)
    }
    return (difference / norm).squareRoot()
  }
}
