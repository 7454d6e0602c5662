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
    ) { PreNormVision(engine: $0) }
    let (passed, firstAtFault) = (result.passed, result.firstAtFault?.name)
    #expect(!passed)
    #expect(firstAtFault == "model.vision.transformer.layers.0")
  }
}

/// The vision tower as most transformers have it, which is wrong for this model: `h += attention(norm(h))`.
struct PreNormVision: VisionStages {
  let engine: Engine

  func patchEmbedding(_ images: FloatMatrix) throws -> FloatMatrix {
    try engine.vision.patchEmbedding(images)
  }
  func convolution(_ x: FloatMatrix) throws -> FloatMatrix { try engine.vision.convolution(x) }
  func adapter(_ x: FloatMatrix) throws -> FloatMatrix { try engine.vision.adapter(x) }
  func framed(_ x: FloatMatrix) throws -> FloatMatrix { try engine.vision.framed(x) }

  func layer(_ layer: Int, _ x: FloatMatrix) throws -> FloatMatrix {
    let compute = engine.compute
    let weights = ModelWeights(engine.file)
    let vision = engine.configuration.vision
    func norm(_ x: FloatMatrix, _ weight: TensorRole, _ bias: TensorRole) throws -> FloatMatrix {
      try compute.layerNorm(
        x, weight: weights.vector(weight, layer: layer), bias: weights.vector(bias, layer: layer),
        epsilon: vision.layerNormEpsilon)
    }
    func linear(_ x: FloatMatrix, _ weight: TensorRole, _ bias: TensorRole) throws -> FloatMatrix {
      try compute.linear(x, weights.matrix(weight, layer: layer), bias: weights.vector(bias, layer: layer))
    }
    let fused = try linear(
      norm(x, .visionAttentionNorm, .visionAttentionNormBias), .visionQueryKeyValue, .visionQueryKeyValueBias)
    let context = FloatMatrix(rows: x.rows, columns: x.columns)
    for start in stride(from: 0, to: x.rows, by: vision.positionCount) {
      let first = UnsafePointer(fused.pointer + start * fused.columns)
      let part = compute.attention(
        AttentionInput(
          queries: first, queryStride: fused.columns, keys: first + x.columns, keyStride: fused.columns,
          values: first + 2 * x.columns, valueStride: fused.columns, queryCount: vision.positionCount,
          keyCount: vision.positionCount, headCount: vision.headCount, keyValueHeadCount: vision.headCount,
          headDimension: vision.headDimension, scale: 1 / Float(vision.headDimension).squareRoot(),
          isCausal: false))
      (context.pointer + start * x.columns).update(from: part.pointer, count: part.rows * part.columns)
    }
    let hidden = try linear(context, .visionAttentionOutput, .visionAttentionOutputBias)
    compute.add(hidden, x)
    let inner = try linear(norm(hidden, .visionMLPNorm, .visionMLPNormBias), .visionMLPIn, .visionMLPInBias)
    compute.gelu(inner)
    let result = try linear(inner, .visionMLPOut, .visionMLPOutBias)
    compute.add(result, hidden)
    return result
  }
}
