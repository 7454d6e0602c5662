import CogBase
import CogModel
import CogTestSupport
import Foundation
import Testing

@Suite struct CompletenessTests {
  private let table: TensorTable
  private let complete: [TensorRecord]

  init() throws {
    table = TensorTable(try Self.configuration())
    complete = table.specifications.map { Self.record($0.name, $0.shape) }
  }

  /// A model of the true architecture in small.
  private static func configuration() throws -> ModelConfiguration {
    let text = SmallConfiguration(layers: 2, visionLayers: 2).json
    return try Array(text.utf8).withUnsafeBytes { try ModelConfiguration(json: $0, file: "config.json") }
  }

  private static func record(_ name: String, _ shape: Shape, _ type: ElementType = .bfloat16) -> TensorRecord
  {
    TensorRecord(name: name, elementType: type, shape: shape, file: "f", fileOffset: 0, byteCount: 0)
  }

  private func compare(_ records: [TensorRecord]) -> Completeness {
    Completeness(records: records, table: table)
  }

  @Test("The tensors of the table are complete, in any order and float type")
  func acceptsComplete() throws {
    for type in [ElementType.bfloat16, .float16, .float32, .float64] {
      let records = complete.shuffled().map { Self.record($0.name, $0.shape, type) }
      #expect(compare(records).isComplete)
      try compare(records).requireComplete(path: "folder")
    }
  }

  @Test("Each tensor of the table is missed when it is not there, rotary frequencies included")
  func reportsEveryMissingTensor() {
    for (index, record) in complete.enumerated() {
      var records = complete
      records.remove(at: index)
      let result = compare(records)
      #expect(result.missing == [record.name])
      #expect(!result.isComplete && result.extra.isEmpty && result.misshapen.isEmpty)
    }
  }

  @Test("Extra, doubled, misshapen and unreadable tensors are told apart")
  func reportsEveryProblem() throws {
    var records = complete
    records.append(Self.record("model.layers.0.bias", [1]))
    records.append(complete[0])
    records[3] = Self.record(complete[3].name, [1, 2])
    records[4] = Self.record(complete[4].name, complete[4].shape, .int8)
    let result = compare(records)
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
    #expect(compare(complete + [Self.record(name, complete[0].shape)]).extra == [name])
  }

  @Test(
    "The image models are named by their expert tensors",
    arguments: [
      "model.layers.0.self_attn.vision_expert_query_key_value.weight",
      "model.layers.1.mlp.vision_mlp.gate_proj.weight",
    ])
  func namesImageModels(name: String) {
    let result = compare(complete + [Self.record(name, [1])])
    #expect(result.otherModel == "CogVLM2-19B (image model)")
    let error = #expect(throws: CogError.self) { try result.requireComplete(path: "folder") }
    #expect(error?.description.contains("CogVLM2-19B (image model)") == true)
    let first = complete.filter { !$0.name.contains(".conv.") } + [Self.record(name, [1])]
    #expect(compare(first).otherModel == "CogVLM 1 (image model)")
    #expect(compare(complete + [Self.record("vision_mlp_like", [1])]).otherModel == nil)
  }

  @Test("A hundred thousand tensors are compared in a moment")
  func isLinear() {
    let many = (0..<100_000).map { Self.record("model.layers.\($0).x", [1]) }
    let start = ContinuousClock.now
    #expect(compare(many + complete).extra.count == 100_000)
    #expect(ContinuousClock.now - start < .seconds(5))
  }
}
