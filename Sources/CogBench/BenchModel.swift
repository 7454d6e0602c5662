import CogBase
import CogCompute
import CogEngine
import CogNative

/// A model opened as the engine opens it, on threads of the benchmark's choice.
struct BenchModel {
  let file: NativeFile
  let compute: Compute
  let vision: VisionTower
  let language: LanguageModel

  /// Opens the file, reads its tokenizer, binds the weights, and runs the first kernel.
  ///
  /// - Throws: ``CogError`` when the file cannot be run.
  init(path: String, mode: ComputeMode?, context: RunContext) throws {
    let engine = try Engine(path: path, mode: mode, context: context)
    (file, compute, vision, language) = (engine.file, engine.compute, engine.vision, engine.language)
    _ = try language.embedding(ids: [0], tokenTypes: [0], features: nil)
  }

  /// Reads a prompt without image features.
  ///
  /// - Returns: the logits of the last position.
  func prefill(_ ids: [Int], in session: Session) throws -> FloatMatrix {
    try session.prefill(
      ModelInput(
        ids: ids, tokenTypes: Array(repeating: 0, count: ids.count), positions: Array(ids.indices),
        features: nil))
  }

  /// Makes tokens, each the likeliest after the one before.
  ///
  /// - Returns: the logits after the last one.
  func decode(_ count: Int, from logits: FloatMatrix, in session: Session) throws -> FloatMatrix {
    var logits = logits
    for _ in 0..<count {
      logits = try session.step(Sampler.mostLikely(UnsafeBufferPointer(logits.row(0))))
    }
    return logits
  }
}
