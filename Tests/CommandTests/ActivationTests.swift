import CogTestSupport
import Foundation
import Testing

/// `cogvlm stats --activations`.
@Suite struct ActivationTests {
  private static let video = SampleModel.video("v22_h264.mp4")

  private func run(_ arguments: [String]) throws -> [[String: Any]] {
    let outcome = try Command.run(
      ["stats", try SampleModel.float.get(), "--activations", "--ask", "Which way does the circle move?"]
        + arguments)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return try #require(try outcome.json()["tensors"] as? [[String: Any]])
  }

  @Test("Every tap of the model is measured, in the order of the forward pass, with channels as columns")
  func taps() throws {
    let taps = try run(["--video", Self.video, "--json"])
    #expect(
      taps.map { $0["name"] as? String ?? "" } == [
        "model.vision.patch_embedding", "model.vision.transformer.layers.0",
        "model.vision.transformer.layers.1",
        "model.vision.transformer.layers.2", "model.vision.transformer.layers.3", "model.vision.conv",
        "model.vision.linear_proj", "model.vision", "model.layers.0", "model.layers.1", "model.layers.2",
        "model.layers.3", "model.norm", "lm_head",
      ])
    let columns = taps.map { ($0["columns"] as? [String: Any])?["count"] as? Int }
    #expect(columns == [128, 128, 128, 128, 128, 128, 256, 256, 256, 256, 256, 256, 256, 4096])
    for tap in taps {
      let figures = try #require(tap["figures"] as? [String: Any])
      #expect(figures["nan"] as? Int == 0 && figures["infinite"] as? Int == 0)
      // The mode is bfloat16, so that every value is one that was counted.
      #expect(figures["isExact"] as? Bool == true, "\(tap["name"] ?? "")")
    }
  }

  @Test(
    "The figures of taps are those of PyTorch's values in the reference bundle",
    .enabled(if: Python.hasNumpy, "needs python3 with numpy"))
  func equalsReference() throws {
    let bundle = Fixtures.path("sample/references/v22_h264-direction.f32.safetensors")
    let query = try #require(
      try JSONSerialization.jsonObject(
        with: Data(
          Python.run([
            "-c",
            """
            import json, sys
            data = open(sys.argv[1], "rb").read()
            print(json.dumps(json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]))
            """, bundle,
          ]).output.utf8)) as? [String: String])
    let outcome = try Command.run([
      "stats", try SampleModel.float.get(), "--activations", "--json", "--mode", "float32", "--video",
      Self.video,
      "--ask", try #require(query["query"]), "--layers", "0-3",
    ])
    try #require(outcome.status == 0, "\(outcome.errors)")
    let taps = try #require(try outcome.json()["tensors"] as? [[String: Any]])
    let numpy = try Python.run([StatsTests.oracle, "stats", bundle])
    try #require(numpy.status == 0, "\(numpy.errors)")
    let expected = try #require(try numpy.json()["tensors"] as? [String: [String: Any]])
    var compared = 0
    for tap in taps {
      let name = try #require(tap["name"] as? String)
      guard let figures = tap["figures"] as? [String: Any],
        let other = expected[name]?["figures"] as? [String: Any],
        figures["count"] as? Int == other["count"] as? Int
      else { continue }
      compared += 1
      for key in ["absoluteMaximum", "standardDeviation", "kurtosis"] {
        let (a, b) = (figures[key] as? Double ?? .nan, other[key] as? Double ?? .nan)
        // Pixels may differ from the reference's decoder by a level.
        #expect(abs(a - b) <= 0.02 * b, "\(name) \(key): \(a), expected \(b)")
      }
    }
    #expect(compared >= 4)
  }

  @Test("Without a video only the language model is run, and filters choose taps")
  func withoutVideo() throws {
    let names = try run(["--json", "--layers", "1-2"]).map { $0["name"] as? String ?? "" }
    #expect(names == ["model.layers.1", "model.layers.2"])
  }
}
