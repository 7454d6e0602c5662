import CogBase
package import CogCompute
import CogModel
import CogNative
package import CogQuantize

/// Writes native files of random weights in published shapes: what `cogvlm bench` runs where there is no
/// model.
///
/// The file is a whole one, read through the same mapping as any other; each tensor has bytes of its own, so
/// that decoding a token really reads as much memory as the real model does.
package struct SyntheticModel {
  /// The shapes.
  package let preset: ModelPreset
  /// The encodings.
  package let recipe: QuantizationRecipe

  /// Layers of the language model; nil takes the preset's.
  package let layers: Int?

  /// A model to write.
  package init(preset: ModelPreset, recipe: QuantizationRecipe, layers: Int? = nil) {
    self.preset = preset
    self.recipe = recipe
    self.layers = layers
  }

  /// Writes the file.
  ///
  /// - Parameters:
  ///   - path: where; an existing file is replaced when the new one is whole.
  ///   - context: what makes the numbers.
  /// - Throws: `CogError` when an override of the recipe fits nothing, the disk has too little room or fails;
  ///   what the context's cancellation throws, after which no file is left.
  package func write(to path: String, context: RunContext) throws {
    let configuration = try preset.configuration(layers: layers)
    let table = TensorTable(configuration)
    try recipe.checkOverrides(against: table)
    let tensors = table.specifications.map {
      (tensor: $0, encoding: recipe.encoding(of: $0, sourceType: .bfloat16))
    }
    let sizes = try tensors.map { try NativeWriter.paddedByteCount(of: $0.tensor.shape, in: $0.encoding) }
    let total = try sizes.reduce(0) { try Checked.add($0, $1, "bytes of all tensors") }
    let tokenizer = SyntheticTokenizer.encoded(vocabularySize: configuration.vocabularySize)
    try checkSpace(for: path, needed: total + tokenizer.count + (16 << 20))

    let progress = context.progress.begin("Making the \(preset.name) model", total: total)
    defer { progress.finish() }
    let weights = SyntheticWeights(context: context)
    let writer = try NativeWriter(path: path)
    for (index, (tensor, encoding)) in tensors.enumerated() {
      try writer.begin(name: tensor.name, shape: tensor.shape, encoding: encoding, sourceType: .bfloat16)
      try weights.generate(tensor, encoding: encoding, seed: UInt64(index)) { try writer.write($0) }
      try writer.end(error: .none)
      progress.advance(by: sizes[index], tensor.name)
    }
    let provenance = NativeMetadata.Provenance(tool: Version.tool, sources: [])
    try writer.finish(
      metadata: NativeMetadata(
        config: preset.configurationText(layers: layers), provenance: provenance, recipe: recipe.metadata),
      tokenizer: tokenizer)
  }

  private func checkSpace(for path: String, needed: Int) throws {
    guard let free = AtomicFile.freeSpace(near: path), free < needed else { return }
    throw CogError(
      "the disk has too little room for a synthetic model", file: path, expected: "\(needed) free bytes",
      found: "\(free)", advice: "Set TMPDIR to a folder with more room, or take a smaller --preset.")
  }
}
