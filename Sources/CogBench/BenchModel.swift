import CogBase
import CogCompute
import CogEngine
import CogModel
import CogNative
import CogText

/// A model opened as the engine opens it, on threads of the benchmark's choice.
struct BenchModel {
  let file: NativeFile
  let compute: Compute
  let vision: VisionTower
  let language: LanguageModel

  /// Opens the file, reads its tokenizer, and runs the first kernel.
  ///
  /// - Throws: ``CogError`` when the file cannot be run.
  init(path: String, mode: ComputeMode?, pool: ThreadPool) throws {
    file = try NativeFile(path: path)
    _ = try Tokenizer(encoded: file.tokenizerBytes(), file: path)
    compute = try Compute(mode: mode ?? (file.isFloat ? .bfloat16 : .fast), threads: pool)
    let weights = ModelWeights(file)
    vision = VisionTower(weights: weights, compute: compute)
    language = LanguageModel(weights: weights, compute: compute)
    _ = try language.embeddings(ids: [0], tokenTypes: [0], features: nil)
  }

  /// Reads a prompt; the same as ``Session/prefill(_:progress:tap:)`` does without image features.
  ///
  /// - Returns: the logits of the last position.
  func prefill(_ ids: [Int], into cache: KeyValueCache) throws -> FloatMatrix {
    let embedded = try language.embeddings(
      ids: ids, tokenTypes: Array(repeating: 0, count: ids.count), features: nil)
    let first = cache.count
    let hidden = try language.forward(
      embedded, positions: Array(first..<first + ids.count), cache: cache, lastOnly: true)
    return try language.head(language.finalNorm(hidden))
  }

  /// Makes tokens, each the likeliest after the one before.
  ///
  /// - Returns: the logits after the last one.
  func decode(_ count: Int, from logits: FloatMatrix, cache: KeyValueCache) throws -> FloatMatrix {
    var logits = logits
    for _ in 0..<count {
      let id = Sampler.mostLikely(UnsafeBufferPointer(logits.row(0)))
      logits = try prefill([id], into: cache)
    }
    return logits
  }
}
