import CogBase
import CogModel
import CogTestSupport
import Foundation
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

  @Test("A point is its name in JSON, and what is no name is refused")
  func coding() throws {
    let points = try Self.all(layers: 2, visionLayers: 3)
    let json = try JSONEncoder().encode(points)
    #expect(try JSONDecoder().decode([String].self, from: json) == points.map(\.name))
    #expect(try JSONDecoder().decode([TapPoint].self, from: json) == points)
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode([TapPoint].self, from: Data("[\"x\"]".utf8))
    }
  }

  @Test(
    "A tensor's point is the output of the layer that computes with it",
    arguments: [
      ("model.embed_tokens.weight", TapPoint.layer(0)),
      ("model.layers.12.mlp.language_mlp.up_proj.weight", .layer(12)), ("model.norm.weight", .finalNorm),
      ("lm_head.weight", .head), ("model.vision.patch_embedding.proj.bias", .patchEmbedding),
      ("model.vision.transformer.layers.62.mlp.fc1.bias", .visionLayer(62)),
      ("model.vision.conv.weight", .convolution), ("model.vision.linear_proj.norm1.bias", .adapter),
      ("model.vision.boi", .vision), ("model.vision.eoi", .vision),
    ])
  func tensors(_ name: String, _ point: TapPoint) { #expect(TapPoint(ofTensor: name) == point) }

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
