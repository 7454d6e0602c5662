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
    typealias Stage = (name: String, run: (VisionTower) -> (FloatMatrix) throws -> FloatMatrix)
    var stages: [Stage] = [("patch_embedding", { $0.patchEmbedding })]
    for layer in 0..<exact.configuration.vision.layerCount {
      stages.append(("vision layer \(layer)", { tower in { try tower.layer(layer, $0) } }))
    }
    stages += [("conv", { $0.convolution }), ("adapter", { $0.adapter }), ("vision", { $0.framed })]
    return try compare(stages, exact.vision, fast.vision, input: images)
  }

  private func languageErrors(_ exact: Engine, _ fast: Engine) throws -> [TapError] {
    let prompt = try exact.prompt(
      frameCount: 0, query: String(repeating: "Which way does the circle move? ", count: 12))
    let input = try exact.language.embeddings(ids: prompt.ids, tokenTypes: prompt.tokenTypes, features: nil)
    typealias Stage = (name: String, run: (LanguageModel) -> (FloatMatrix) throws -> FloatMatrix)
    var stages: [Stage] = (0..<exact.configuration.layerCount).map { layer in
      (
        "layer \(layer)",
        { model in
          {
            try model.layer(
              layer, $0, positions: prompt.positions, cache: model.makeCache(capacity: prompt.count))
          }
        }
      )
    }
    stages += [("norm", { $0.finalNorm }), ("lm_head", { $0.head })]
    return try compare(stages, exact.language, fast.language, input: input)
  }

  private func compare<Network>(
    _ stages: [(name: String, run: (Network) -> (FloatMatrix) throws -> FloatMatrix)], _ exact: Network,
    _ fast: Network, input: FloatMatrix
  ) throws -> [TapError] {
    var (reference, accumulated) = (input, input)
    return try stages.map { stage in
      let isolated = try stage.run(fast)(reference)
      accumulated = try stage.run(fast)(accumulated)
      reference = try stage.run(exact)(reference)
      return TapError(
        name: stage.name, isolated: relativeL2(isolated, reference),
        accumulated: relativeL2(accumulated, reference))
    }
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
