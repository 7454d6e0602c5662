/// How the engine computes.
package enum ComputeMode: String, Sendable, CaseIterable, Codable {
  /// Everything in float32, as PyTorch does with a model loaded in float32.
  case float32
  /// Rounds to bfloat16 where the PyTorch graph of a model loaded in bfloat16 rounds; sums are float32.
  case bfloat16
  /// For answering: quantized weights meet activations quantized to 8 bits, everything else is float32.
  case fast
}
