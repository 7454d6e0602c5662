import CogBase
import CogCompute
import CogEngine
import CogModel
import CogNative
import CogTestSupport
import CogVerify
import Foundation
import Testing

/// One way to break a model, and the tap that must be named for it.
struct Fault: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let tensor: String
  let expected: String
  let alter: @Sendable (inout StoredTensor) -> Void

  static let all: [Fault] = [
    Fault(
      testDescription: "two rows of a language layer's query, key and value weight swapped",
      tensor: "model.layers.1.self_attn.language_expert_query_key_value.weight", expected: "model.layers.1"
    ) { $0.swapRows(3, 70) },
    Fault(
      testDescription: "two rows of a language layer's MLP swapped",
      tensor: "model.layers.2.mlp.language_mlp.down_proj.weight", expected: "model.layers.2"
    ) { $0.swapRows(0, 1) },
    Fault(
      testDescription: "two rows of a vision layer's MLP swapped",
      tensor: "model.vision.transformer.layers.1.mlp.fc1.weight",
      expected: "model.vision.transformer.layers.1"
    ) { $0.swapRows(10, 90) },
    Fault(
      testDescription: "two rows of the adapter swapped",
      tensor: "model.vision.linear_proj.gate_proj.weight", expected: "model.vision.linear_proj"
    ) { $0.swapRows(0, 200) },
    Fault(
      testDescription: "two rows of the head swapped", tensor: "lm_head.weight", expected: "lm_head"
    ) { $0.swapRows(100, 101) },
    Fault(
      testDescription: "a vision layer's attention bias dropped",
      tensor: "model.vision.transformer.layers.2.attention.query_key_value.bias",
      expected: "model.vision.transformer.layers.2"
    ) { $0.clear() },
    Fault(
      testDescription: "the convolution's bias dropped", tensor: "model.vision.conv.bias",
      expected: "model.vision.conv"
    ) { $0.clear() },
    Fault(
      testDescription: "a vision norm's bias dropped",
      tensor: "model.vision.transformer.layers.0.post_attention_layernorm.bias",
      expected: "model.vision.transformer.layers.0"
    ) { $0.clear() },
    Fault(
      testDescription: "exact rotary frequencies instead of the stored ones",
      tensor: "model.layers.1.self_attn.rotary_emb.inv_freq", expected: "model.layers.1"
    ) { tensor in
      let half = tensor.shape.elementCount
      tensor.replace(with: (0..<half).map { Float(pow(500_000, -Double($0) / Double(half))) })
    },
  ]
}

@Suite struct BrokenModelTests {
  @Test("A broken model fails in float32 and the broken layer is named", arguments: Fault.all)
  func float32(_ fault: Fault) throws { try check(fault, type: "f32") }

  @Test(
    "A broken model fails in bfloat16 and the broken layer is named",
    // In bfloat16 a stored frequency is rounded to bfloat16 again, so exact ones give the published angles.
    arguments: Fault.all.filter { !$0.tensor.hasSuffix("inv_freq") })
  func bfloat16(_ fault: Fault) throws { try check(fault, type: "bf16") }

  private func check(_ fault: Fault, type: String) throws {
    let folder = try TemporaryFolder()
    let model = folder.path("broken.cogvlm")
    var isAltered = false
    try NativeFixture.write(checkpoint: Fixtures.path("tiny/checkpoint"), to: model) { name, tensor in
      guard name == fault.tensor else { return }
      let before = tensor.bytes
      fault.alter(&tensor)
      isAltered = tensor.bytes != before
    }
    try #require(isAltered)
    let result = try ReferenceRun.verify(
      model: model, bundle: Fixtures.path("tiny/references/chat-7s.\(type).safetensors"))
    let (passed, firstAtFault) = (result.passed, result.firstAtFault?.name)
    #expect(!passed)
    #expect(firstAtFault == fault.expected)
    // Isolation: every other layer is given the reference's input and passes.
    let others = result.taps.filter { !$0.isolatedPassed }.map(\.point.name).filter { $0 != fault.expected }
    #expect(others == [])
  }

  @Test("Pre-norm residuals in the vision tower fail at its first layer", arguments: ["f32", "bf16"])
  func preNorm(_ type: String) throws {
    let folder = try TemporaryFolder()
    let model = folder.path("model.cogvlm")
    try NativeFixture.write(checkpoint: Fixtures.path("tiny/checkpoint"), to: model)
    let result = try ReferenceRun.verify(
      model: model, bundle: Fixtures.path("tiny/references/chat-7s.\(type).safetensors")
    ) { try PreNormBlock.stages(of: $0) }
    let (passed, firstAtFault) = (result.passed, result.firstAtFault?.name)
    #expect(!passed)
    #expect(firstAtFault == "model.vision.transformer.layers.0")
  }
}

/// A layer of the vision tower as most transformers have it, which is wrong for this model: `h +=
/// attention(norm(h))`.
private struct PreNormBlock {
  private let attentionNorm, mlpNorm: LayerNorm
  private let queryKeyValue, output: Linear
  private let mlp: GELUMLP
  private let heads: AttentionHeads
  private let positionCount: Int
  private let compute: Compute

  private init(_ weights: WeightBinder) throws {
    let vision = weights.configuration.vision
    let epsilon = vision.layerNormEpsilon
    attentionNorm = try weights.layerNorm(
      .visionAttentionNorm, bias: .visionAttentionNormBias, epsilon: epsilon)
    mlpNorm = try weights.layerNorm(.visionMLPNorm, bias: .visionMLPNormBias, epsilon: epsilon)
    queryKeyValue = try weights.linear(.visionQueryKeyValue, bias: .visionQueryKeyValueBias)
    output = try weights.linear(.visionAttentionOutput, bias: .visionAttentionOutputBias)
    mlp = try GELUMLP(
      fc1: weights.linear(.visionMLPIn, bias: .visionMLPInBias),
      fc2: weights.linear(.visionMLPOut, bias: .visionMLPOutBias))
    heads = AttentionHeads(
      count: vision.headCount, keyValueCount: vision.headCount, dimension: vision.headDimension)
    positionCount = vision.positionCount
    compute = weights.compute
  }

  /// The stages of an engine's vision part with such layers.
  static func stages(of engine: Engine) throws -> [Stage] {
    let weights = WeightBinder(
      engine.file, configuration: engine.configuration, compute: engine.compute)
    return try engine.vision.stages.map { stage in
      guard case .visionLayer(let number) = stage.point else { return stage }
      let block = try PreNormBlock(weights.layer(number))
      return Stage(stage.point) { block($0) }
    }
  }

  private func callAsFunction(_ x: FloatMatrix) -> FloatMatrix {
    let fused = queryKeyValue(attentionNorm(x))
    let context = FloatMatrix(rows: x.rows, columns: x.columns)
    let width = x.columns
    for first in stride(from: 0, to: x.rows, by: positionCount) {
      let frame = fused.sharedRows(first..<first + positionCount)
      compute.attention(
        queries: frame.columns(0..<width), keys: frame.columns(width..<2 * width),
        values: frame.columns(2 * width..<3 * width), heads: heads, isCausal: false,
        into: context.sharedRows(first..<first + positionCount))
    }
    let hidden = output(context)
    compute.add(x, to: hidden)
    let result = mlp(mlpNorm(hidden))
    compute.add(hidden, to: result)
    return result
  }
}
