import CogBase
import CogModel
import CogTestSupport
import Foundation
import Testing

@Suite struct TensorTableTests {
  /// The configuration of the published checkpoint, and the tensors that its index lists.
  private static func published() throws -> (configuration: ModelConfiguration, tensors: [String: [Int]]) {
    let configuration = try MappedFile.withBytes(ofFile: Fixtures.path("published/published-config.json")) {
      try ModelConfiguration(json: $0, file: "published-config.json")
    }
    let listing = try MappedFile.withBytes(ofFile: Fixtures.path("published/published-checkpoint.json")) {
      try JSON.parse($0, what: "listing")
    }
    let members = try #require(listing["shards"]?.elements).flatMap { $0["tensors"]?.members ?? [] }
    let tensors = members.map { ($0.key, $0.value.elements?.compactMap(\.integer) ?? []) }
    return (configuration, Dictionary(uniqueKeysWithValues: tensors))
  }

  @Test("At the published sizes it is the 1,029 tensors of the published checkpoint, each with its shape")
  func publishedTensors() throws {
    let (configuration, tensors) = try Self.published()
    let table = TensorTable(configuration)
    let listed = table.specifications.map { ($0.name, $0.shape.dimensions) }
    #expect(listed.count == 1029)
    #expect(Dictionary(uniqueKeysWithValues: listed) == tensors)
    #expect(table.specifications.reduce(0) { $0 + 2 * $1.shape.elementCount } == 25_015_065_088)
  }

  @Test(
    "The Python tools have the same table, for any sizes",
    .enabled(if: Python.isThere, "needs python3"), arguments: [1, 3])
  func pythonTable(_ layers: Int) throws {
    var small = SmallConfiguration(layers: layers, visionLayers: layers + 1)
    small.overrides["intermediate_size"] = "28"
    let folder = try TemporaryFolder()
    let path = try folder.write(small.json.utf8, as: "config.json")
    let outcome = try Python.run([
      "-c",
      """
      import json, sys
      from reference.configuration import expected_tensors, read_configuration
      print(json.dumps(expected_tensors(read_configuration(sys.argv[1]))))
      """, folder.url.path,
    ])
    try #require(outcome.status == 0, "\(outcome.errors)")
    let theirs = try JSONDecoder().decode([String: [Int]].self, from: outcome.outputBytes)
    let configuration = try MappedFile.withBytes(ofFile: path) {
      try ModelConfiguration(json: $0, file: path)
    }
    let ours = TensorTable(configuration).specifications.map { ($0.name, $0.shape.dimensions) }
    #expect(Dictionary(uniqueKeysWithValues: ours) == theirs)
  }

  @Test("It is in the order of the forward pass, layers of the language model first")
  func order() throws {
    let table = TensorTable(try Self.published().configuration)
    let places = table.specifications.map { "\($0.part)" + ($0.layer.map { " \($0)" } ?? "") }
    // Where neighbors are alike, once.
    let runs = places.enumerated().filter { $0.offset == 0 || places[$0.offset - 1] != $0.element }.map(
      \.element)
    let language = (0..<32).map { "language \($0)" }
    let vision = (0..<63).map { "vision \($0)" }
    #expect(
      runs == ["embedding"] + language + ["language", "head", "vision"] + vision + ["convolution", "adapter"])
  }

  @Test("A tensor is found by its name and by what it does in which layer, and by nothing else")
  func lookup() throws {
    let table = TensorTable(try Self.published().configuration)
    for specification in table.specifications {
      #expect(table.specification(named: specification.name) == specification)
      #expect(table.specification(specification.role, layer: specification.layer) == specification)
    }
    #expect(table.specification(named: "model.layers.32.mlp.language_mlp.gate_proj.weight") == nil)
    #expect(table.specification(named: "lm_head.weight2") == nil)
    #expect(table.specification(.mlpGate, layer: 32) == nil && table.specification(.mlpGate) == nil)
    #expect(table.specification(.outputHead, layer: 0) == nil)
  }

  @Test("A tensor's name says part, role and layer without a configuration")
  func meaning() throws {
    for specification in TensorTable(try Self.published().configuration).specifications {
      let meaning = try #require(TensorTable.meaning(of: specification.name), "\(specification.name)")
      #expect(meaning.part == specification.part && meaning.role == specification.role)
      #expect(meaning.layer == specification.layer)
    }
    let others = [
      "", "model", "model.layers.*.input_layernorm.weight", "model.layers.-1.input_layernorm.weight",
      "model.layers.01.input_layernorm.weight", "model.layers.1.1.input_layernorm.weight",
      "model.layers.99999999999999999999.input_layernorm.weight", "lm_head.0", "lm_head.weight ",
    ]
    for name in others {
      let hasMeaning = TensorTable.meaning(of: name) != nil
      #expect(!hasMeaning, "\(name)")
    }
  }

  @Test("Every role is that of a tensor, and all matrices have two dimensions")
  func roles() throws {
    let specifications = TensorTable(try Self.published().configuration).specifications
    #expect(Set(specifications.map(\.role)) == Set(TensorRole.allCases))
    #expect(Set(specifications.map(\.part)) == Set(ModelPart.allCases))
    #expect(specifications.filter(\.role.isMatrix).allSatisfy { $0.shape.rank == 2 })
    // Four language, four vision and four adapter matrices, the embedding table and the head.
    #expect(specifications.filter(\.role.isMatrix).count == 5 * 32 + 4 * 63 + 4 + 2)
  }
}
