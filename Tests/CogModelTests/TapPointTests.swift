import CogBase
import CogModel
import CogTestSupport
import Testing

@Suite struct TapPointTests {
  private static func all(layers: Int, visionLayers: Int) throws -> [TapPoint] {
    let text = SmallConfiguration(layers: layers, visionLayers: visionLayers).json
    return try TapPoint.all(
      Array(text.utf8).withUnsafeBytes { try ModelConfiguration(json: $0, file: "config.json") })
  }

  @Test("The points of a model are in the order of its forward pass")
  func order() throws {
    let points = try Self.all(layers: 2, visionLayers: 3)
    #expect(
      points.map(\.name) == [
        "model.vision.patch_embedding", "model.vision.transformer.layers.0",
        "model.vision.transformer.layers.1",
        "model.vision.transformer.layers.2", "model.vision.conv", "model.vision.linear_proj", "model.vision",
        "model.layers.0", "model.layers.1", "model.norm", "lm_head",
      ])
    #expect(points == points.sorted())
    #expect(points.map(\.isVision) == Array(repeating: true, count: 7) + Array(repeating: false, count: 4))
  }

  @Test("Names are read back as the points that they are of")
  func roundTrip() throws {
    for point in try Self.all(layers: 32, visionLayers: 63) { #expect(TapPoint(name: point.name) == point) }
  }

  @Test(
    "What is no point's whole name is none",
    arguments: [
      "", "model", "model.layers", "model.layers.", "model.layers.-1", "model.layers.+1", "model.layers.01",
      "model.layers.1.mlp", "model.layers.99999999999999999999", "model.vision.transformer.layers.x",
      "lm_head.0",
      " lm_head", "model.vision.conv.0", "Model.norm",
    ])
  func others(_ name: String) {
    #expect(TapPoint(name: name) == nil)
  }
}
