import CKernels

extension Compute {
  /// Attention of many queries: packs the keys and values of every head, then shares out blocks of queries.
  func attendBlocks(_ input: AttentionInput, into output: UnsafeMutablePointer<Float>) {
    let kernels = kernels.table.pointee
    let attention = mode == .fast ? kernels.int16_attention : kernels.attention
    let packed = PackedHeads(input, attention, threads: threads)
    let parts = AttentionParts(input, rounds: rounds, into: output)
    threads.parallelFor(parts.count) { index in
      var (head, keyValueHead, queries) = parts[index]
      let scratch = FloatMatrix(
        uninitializedRows: 1, columns: kernels.attention_scratch_size(&head))
      attention.attend_block(
        &head, packed.keys(keyValueHead), packed.values(keyValueHead), queries.lowerBound, queries.count,
        scratch.pointer)
    }
  }
}

/// The keys and values of all heads, packed for products.
private struct PackedHeads {
  private let keys, values: FloatMatrix

  init(_ input: AttentionInput, _ attention: CogAttention, threads: ThreadPool) {
    let (count, dimension) = (input.keyCount, input.heads.dimension)
    let size = cog_packed_size(count, dimension)
    let keys = FloatMatrix(uninitializedRows: input.heads.keyValueCount, columns: size)
    let values = FloatMatrix(uninitializedRows: input.heads.keyValueCount, columns: size)
    threads.parallelFor(input.heads.keyValueCount) { head in
      let (column, place) = (head * dimension, head * size)
      attention.pack_keys(input.keys + column, input.keyStride, count, dimension, keys.pointer + place)
      attention.pack_values(
        input.values + column, input.valueStride, count, dimension, values.pointer + place)
    }
    (self.keys, self.values) = (keys, values)
  }

  func keys(_ head: Int) -> UnsafeMutablePointer<Float> { keys.pointer + head * keys.columns }

  func values(_ head: Int) -> UnsafeMutablePointer<Float> { values.pointer + head * values.columns }
}

/// The blocks of one attention layer: some queries of the query heads that share a key and value head, of
/// which a block takes at most `COG_ATTENTION_ROWS`.
private struct AttentionParts {
  private let input: AttentionInput
  private let rounds: Bool
  private let output: UnsafeMutablePointer<Float>
  /// Query heads of a block, and how many such parts a key and value head has.
  private let headsAtOnce, headParts: Int
  private let queriesAtOnce, queryParts: Int

  init(_ input: AttentionInput, rounds: Bool, into output: UnsafeMutablePointer<Float>) {
    self.input = input
    self.rounds = rounds
    self.output = output
    let rows = Int(COG_ATTENTION_ROWS)
    let group = input.heads.count / input.heads.keyValueCount
    headsAtOnce = min(group, rows)
    headParts = (group + headsAtOnce - 1) / headsAtOnce
    queriesAtOnce = rows / headsAtOnce
    queryParts = (input.queryCount + queriesAtOnce - 1) / queriesAtOnce
  }

  var count: Int { input.heads.keyValueCount * headParts * queryParts }

  /// Blocks of one head follow one another, so that its keys and values stay in the cache; the last queries
  /// of a causal prompt, which see the most keys, come first.
  subscript(index: Int) -> (head: CogAttentionHead, keyValueHead: Int, queries: Range<Int>) {
    let (part, fromEnd) = index.quotientAndRemainder(dividingBy: queryParts)
    let (keyValueHead, headPart) = part.quotientAndRemainder(dividingBy: headParts)
    let group = input.heads.count / input.heads.keyValueCount
    let firstHead = headPart * headsAtOnce
    let column = (keyValueHead * group + firstHead) * input.heads.dimension
    let head = CogAttentionHead(
      queries: input.queries + column, query_stride: input.queryStride, output: output + column,
      output_stride: input.heads.width,
      values: input.values + keyValueHead * input.heads.dimension, value_stride: input.valueStride,
      query_count: input.queryCount, key_count: input.keyCount, heads: min(headsAtOnce, group - firstHead),
      dimension: input.heads.dimension, scale: input.heads.scale, is_causal: input.isCausal, rounds: rounds)
    let first = (queryParts - 1 - fromEnd) * queriesAtOnce
    return (head, keyValueHead, first..<min(input.queryCount, first + queriesAtOnce))
  }
}
