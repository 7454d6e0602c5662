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
    let slots = try table.specifications.map {
      try TensorSlot(
        name: $0.name, shape: $0.shape, encoding: recipe.encoding(of: $0, sourceType: .bfloat16),
        sourceType: .bfloat16)
    }
    let total = try slots.reduce(0) { try Checked.add($0, $1.byteCount, "bytes of all tensors") }
    let tokenizer = SyntheticTokenizer.encoded(vocabularySize: configuration.vocabularySize)
    let sink = NativeSink(path: path)
    try sink.part.requirePlace()
    try checkSpace(
      for: path, needed: sink.largestByteCount(of: slots, documentBytes: tokenizer.count + (1 << 16)))

    let progress = context.progress.begin("Making the \(preset.name) model", total: total)
    defer { progress.finish() }
    let weights = SyntheticWeights(context: context)
    // The journal says whose the part is, should the process die.
    try sink.part.open(resuming: false)
    try sink.part.journal?.append([#"{"journal":"cogvlm bench"}"#])
    try sink.reserve(slots)
    for (index, (tensor, slot)) in zip(table.specifications, slots).enumerated() {
      var writer = try sink.begin(slot)
      try weights.generate(tensor, encoding: slot.encoding, seed: UInt64(index)) { try writer.write($0) }
      try writer.end(error: .none)
      progress.advance(by: slot.byteCount, slot.name)
    }
    let provenance = ModelMetadata.Provenance(tool: Version.tool, sources: [])
    let metadata = ModelMetadata(
      config: preset.configurationText(layers: layers), provenance: provenance, recipe: recipe.metadata)
    try sink.finish(
      ModelDocuments(metadata: metadata, tokenizer: TokenizerText(compact: tokenizer, file: path)))
  }

  private func checkSpace(for path: String, needed: Int) throws {
    guard let free = Part.freeSpace(near: path), free < needed else { return }
    throw CogError(
      "the disk has too little room for a synthetic model", file: path, expected: "\(needed) free bytes",
      found: "\(free)", advice: "Set TMPDIR to a folder with more room, or take a smaller --preset.")
  }
}
