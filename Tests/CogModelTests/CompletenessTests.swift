import CogBase
import CogModel
import CogTestSupport
import Foundation
import Testing

@Suite struct CompletenessTests {
  private let table: TensorTable
  private let complete: [TensorEntry]

  init() throws {
    table = TensorTable(try Self.configuration())
    complete = table.specifications.map { Self.entry($0.name, $0.shape) }
  }

  /// A model of the true architecture in small.
  private static func configuration() throws -> ModelConfiguration {
    let text = SmallConfiguration(layers: 2, visionLayers: 2).json
    return try Array(text.utf8).withUnsafeBytes { try ModelConfiguration(json: $0, file: "config.json") }
  }

  private static func entry(_ name: String, _ shape: Shape, _ type: ElementType = .bfloat16) -> TensorEntry {
    TensorEntry(name: name, type: type, shape: shape, file: "f", offset: 0, byteCount: 0)
  }

  private func compare(_ entries: [TensorEntry]) -> Completeness {
    Completeness(entries: entries, table: table)
  }

  @Test("The tensors of the table are complete, in any order and float type")
  func acceptsComplete() throws {
    for type in [ElementType.bfloat16, .float16, .float32, .float64] {
      let entries = complete.shuffled().map { Self.entry($0.name, $0.shape, type) }
      #expect(compare(entries).isComplete)
      try compare(entries).requireComplete(path: "folder")
    }
  }

  @Test("Each tensor of the table is missed when it is not there, rotary frequencies included")
  func reportsEveryMissingTensor() {
    for (index, entry) in complete.enumerated() {
      var entries = complete
      entries.remove(at: index)
      let result = compare(entries)
      #expect(result.missing == [entry.name])
      #expect(!result.isComplete && result.extra.isEmpty && result.misshapen.isEmpty)
    }
  }

  @Test("Extra, doubled, misshapen and unreadable tensors are told apart")
  func reportsEveryProblem() throws {
    var entries = complete
    entries.append(Self.entry("model.layers.0.bias", [1]))
    entries.append(complete[0])
    entries[3] = Self.entry(complete[3].name, [1, 2])
    entries[4] = Self.entry(complete[4].name, complete[4].shape, .int8)
    let result = compare(entries)
    #expect(result.extra == ["model.layers.0.bias"])
    #expect(result.duplicate == [complete[0].name])
    #expect(result.misshapen.map(\.name) == [complete[3].name])
    #expect(result.misshapen.first?.found == [1, 2] && result.misshapen.first?.expected == complete[3].shape)
    #expect(result.unreadable.map(\.elementType) == [.int8])
    #expect(result.missing.isEmpty && result.otherModel == nil)
    #expect(result.problems.count == 4)
    #expect(result.expectedCount == complete.count && result.foundCount == complete.count + 2)
    #expect(throws: CogError.self) { try result.requireComplete(path: "folder") }
    let copy = try JSONDecoder().decode(Completeness.self, from: JSONEncoder().encode(result))
    #expect(copy == result)
  }

  @Test("A tensor whose name only begins like one of the model's is extra")
  func matchesWholeNames() {
    let name = complete[0].name + "2"
    #expect(compare(complete + [Self.entry(name, complete[0].shape)]).extra == [name])
  }

  @Test(
    "The image models are named by their expert tensors",
    arguments: [
      "model.layers.0.self_attn.vision_expert_query_key_value.weight",
      "model.layers.1.mlp.vision_mlp.gate_proj.weight",
    ])
  func namesImageModels(name: String) {
    let result = compare(complete + [Self.entry(name, [1])])
    #expect(result.otherModel == "CogVLM2-19B (image model)")
    let error = #expect(throws: CogError.self) { try result.requireComplete(path: "folder") }
    #expect(error?.description.contains("CogVLM2-19B (image model)") == true)
    let first = complete.filter { !$0.name.contains(".conv.") } + [Self.entry(name, [1])]
    #expect(compare(first).otherModel == "CogVLM 1 (image model)")
    #expect(compare(complete + [Self.entry("vision_mlp_like", [1])]).otherModel == nil)
  }

  @Test("A hundred thousand tensors are compared in a moment")
  func isLinear() {
    let many = (0..<100_000).map { Self.entry("model.layers.\($0).x", [1]) }
    let start = ContinuousClock.now
    #expect(compare(many + complete).extra.count == 100_000)
    #expect(ContinuousClock.now - start < .seconds(5))
  }
}
