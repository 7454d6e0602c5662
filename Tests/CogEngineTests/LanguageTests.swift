import CogBase
import CogCompute
import CogEngine
import CogModel
import CogNative
import Foundation
import Testing

@Suite struct RotaryAnglesTests {
  /// Two heads of four features for each token.
  private func rotated(
    _ row: [Float], frequencies: [Float], positions: [Int], heads: Int = 2, mode: ComputeMode = .float32
  ) throws -> [[Float]] {
    let angles = RotaryAngles(
      frequencies: frequencies, positions: positions, compute: Compute(mode: mode))
    let x = FloatMatrix(
      Array(repeatElement(row, count: positions.count).joined()), rows: positions.count, columns: row.count)
    angles.rotate(x, headCount: heads)
    return (0..<x.rows).map { Array(x.row($0)) }
  }

  @Test("Feature i of a head turns with feature i of its other half, by position times frequency")
  func halves() throws {
    let row: [Float] = [1, 0, 0, 1, 3, 4, 5, 6]
    let result = try rotated(row, frequencies: [1, 0.25], positions: [0, 2])
    #expect(result[0] == row)
    let (c, s) = ([cosf(2), cosf(0.5)], [sinf(2), sinf(0.5)])
    // The first head: (1, 0) turned by 2, and (0, 1) by a half; the second head likewise.
    #expect(result[1][..<4] == [c[0], -s[1], s[0], c[1]])
    #expect(
      result[1][4...] == [
        3 * c[0] - 5 * s[0], 4 * c[1] - 6 * s[1], 5 * c[0] + 3 * s[0], 6 * c[1] + 4 * s[1],
      ])
  }

  @Test("Columns behind the rotated heads stay as they are")
  func values() throws {
    let result = try rotated([1, 2, 3, 4, 5], frequencies: [0.5], positions: [7], heads: 1)
    #expect(result[0][2...] == [3, 4, 5])
    #expect(result[0][..<2] != [1, 2])
  }

  @Test("In bfloat16 mode the position, the frequency, their product, and cos and sin are rounded")
  func bfloat16() throws {
    func rounded(_ x: Float) -> Float {
      let bits = x.bitPattern
      return Float(bitPattern: (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000)
    }
    // 257 has nine bits, one more than bfloat16 keeps.
    let frequency: Float = 0.123
    let result = try rotated(
      [1, 0], frequencies: [frequency], positions: [257, 256, 3], heads: 1, mode: .bfloat16)
    #expect(result[0] == result[1])
    let angle = rounded(3 * rounded(frequency))
    #expect(result[2] == [rounded(cosf(angle)), rounded(sinf(angle))])
    #expect(rounded(cosf(angle)) != cosf(3 * frequency))
  }
}

@Suite struct KeyValueCacheTests {
  private let heads = AttentionHeads(count: 4, keyValueCount: 2, dimension: 8)

  /// Random queries, keys and values side by side, exact in F16.
  private func tokens(_ count: Int, seed: UInt64) -> FloatMatrix {
    var random = SplitMix64(seed: seed)
    let columns = heads.width + 2 * heads.keyValueWidth
    let values = (0..<count * columns).map { _ in Float(Float16(Float.random(in: -2...2, using: &random))) }
    return FloatMatrix(values, rows: count, columns: columns)
  }

  private func attend(
    _ fused: FloatMatrix, _ cache: LayerCache, _ compute: Compute, wanted: Int? = nil
  ) -> FloatMatrix {
    let (keys, values) = (heads.width, heads.width + heads.keyValueWidth)
    return cache.attend(
      queries: fused.lastRows(wanted ?? fused.rows).columns(0..<keys), keys: fused.columns(keys..<values),
      values: fused.columns(values..<fused.columns), compute: compute)
  }

  private func expected(_ fused: FloatMatrix) -> DoubleMatrix {
    let rows = DoubleMatrix(fused).rows
    let (keys, values) = (heads.width, heads.width + heads.keyValueWidth)
    return plainAttention(
      rows.map { Array($0[..<keys]) }, rows.map { Array($0[keys..<values]) },
      rows.map { Array($0[values...]) }, heads: heads, isCausal: true)
  }

  @Test(
    "Tokens stored one by one, in pieces or at once attend alike", arguments: [ComputeMode.float32, .fast])
  func pieces(mode: ComputeMode) throws {
    let compute = Compute(mode: mode)
    let all = tokens(9, seed: 1)
    let twin = expected(all)
    for sizes in [[9], [1, 1, 1, 1, 1, 1, 1, 1, 1], [4, 5], [1, 7, 1]] {
      let cache = LayerCache(capacity: 9, heads: heads)
      let result = FloatMatrix(rows: 9, columns: heads.width)
      for size in sizes {
        let first = cache.count
        result.store(attend(all.sharedRows(first..<first + size), cache, compute), at: first)
      }
      #expect(cache.count == 9)
      #expect(
        twin.relativeL2(of: result) < (mode == .fast && sizes.contains { $0 > 1 } ? 3e-4 : 1e-6), "\(sizes)")
    }
  }

  @Test("The last tokens alone attend as they do beside the others", arguments: ComputeMode.allCases)
  func wanted(mode: ComputeMode) throws {
    let compute = Compute(mode: mode)
    let all = tokens(5, seed: 2)
    let whole = attend(all, LayerCache(capacity: 5, heads: heads), compute)
    let last = attend(all, LayerCache(capacity: 5, heads: heads), compute, wanted: 1)
    let error = DoubleMatrix(whole.lastRows(1)).relativeL2(of: last)
    #expect(last.rows == 1 && error < (mode == .float32 ? 1e-6 : 4e-3))
  }

  @Test("What is forgotten leaves no trace", arguments: ComputeMode.allCases)
  func truncates(mode: ComputeMode) throws {
    let compute = Compute(mode: mode)
    let (all, wrong) = (tokens(6, seed: 3), tokens(4, seed: 4))
    let plain = LayerCache(capacity: 6, heads: heads)
    _ = attend(all.sharedRows(0..<4), plain, compute)
    let expected = attend(all.sharedRows(4..<6), plain, compute).values
    let cache = LayerCache(capacity: 6, heads: heads)
    _ = attend(all.sharedRows(0..<4), cache, compute)
    _ = attend(wrong.sharedRows(0..<2), cache, compute)
    cache.truncate(to: 4)
    #expect(cache.count == 4)
    #expect(attend(all.sharedRows(4..<6), cache, compute).values == expected)
    cache.truncate(to: 100)
    #expect(cache.count == 6)
  }

  @Test("A cache has as many tokens as the layer with the fewest, and as much room as is left")
  func counts() throws {
    let compute = Compute(mode: .float32)
    let cache = KeyValueCache(layerCount: 2, capacity: 7, heads: heads)
    #expect(cache.count == 0 && cache.remaining == 7)
    _ = attend(tokens(5, seed: 5), cache.layers[0], compute)
    #expect(cache.count == 0)
    _ = attend(tokens(3, seed: 6), cache.layers[1], compute)
    #expect(cache.count == 3 && cache.remaining == 4)
    // As after a pass that was cancelled between two layers.
    cache.truncate(to: cache.count)
    #expect(cache.layers.map(\.count) == [3, 3])
  }
}

@Suite struct DecoderBlockTests {
  @Test("A language layer is norms, rotary attention and a gated MLP in double precision, within float32")
  func matchesTwin() throws {
    let file = try NativeFile(path: QuantizedModel.path("tiny"))
    let engine = try Engine(file: file, mode: .float32)
    let weights = WeightBinder(file, configuration: file.configuration, compute: engine.compute)
    let ids = [7, 1, 300, 2000, 12, 7]
    let positions = [0, 1, 2, 2, 2, 3]
    let input = ModelInput(
      ids: ids, tokenTypes: Array(repeating: 0, count: 6), positions: positions, features: nil)
    var pass = try Session(engine, capacity: 6).begin(input)
    var x = DoubleMatrix(pass.value)
    for layer in 0..<engine.configuration.layerCount {
      let value = try #require(try pass.advance()).value
      let twin = try Self.twin(x, weights.layer(layer), positions: positions)
      #expect(twin.relativeL2(of: value) < 2e-6, "layer \(layer)")
      // Each layer is judged alone.
      x = DoubleMatrix(value)
    }
    let norm = try #require(try pass.advance()).value
    let weight = try weights.doubleVector(.finalNorm)
    #expect(Self.rmsNorm(x, weight, engine.configuration).relativeL2(of: norm) < 1e-6)
    let logits = try #require(try pass.advance()).value
    let last = DoubleMatrix(norm.lastRows(1))
    #expect(try last.linear(weights.doubles(.outputHead)).relativeL2(of: logits) < 2e-6)
    #expect(try pass.advance() == nil)
  }

  private static func rmsNorm(_ x: DoubleMatrix, _ weight: [Double], _ c: ModelConfiguration) -> DoubleMatrix
  {
    x.mapRows { row in
      let mean = row.reduce(0) { $0 + $1 * $1 } / Double(row.count)
      return zip(row, weight).map { $0 / (mean + Double(c.rmsNormEpsilon)).squareRoot() * $1 }
    }
  }

  private static func twin(_ x: DoubleMatrix, _ w: WeightBinder, positions: [Int]) throws -> DoubleMatrix {
    let c = w.configuration
    let frequencies = try w.doubleVector(.rotaryFrequencies)
    let (half, size) = (c.headDimension / 2, c.headDimension)
    let normed = rmsNorm(x, try w.doubleVector(.inputNorm), c)
    let fused = try normed.linear(w.doubles(.queryKeyValue)).rows.enumerated().map { token, row in
      var row = row
      for head in 0..<c.headCount + c.keyValueHeadCount {
        for index in 0..<half {
          let angle = Double(Float(positions[token]) * Float(frequencies[index]))
          let (a, b) = (row[head * size + index], row[head * size + half + index])
          row[head * size + index] = a * cos(angle) - b * sin(angle)
          row[head * size + half + index] = b * cos(angle) + a * sin(angle)
        }
      }
      return row
    }
    let (keys, values) = (c.hiddenSize, c.hiddenSize + c.keyValueHeadCount * size)
    let heads = AttentionHeads(count: c.headCount, keyValueCount: c.keyValueHeadCount, dimension: size)
    let context = plainAttention(
      fused.map { Array($0[..<keys]) }, fused.map { Array($0[keys..<values]) },
      fused.map { Array($0[values...]) }, heads: heads, isCausal: true)
    let attended = try x + context.linear(w.doubles(.attentionOutput))
    let inner = rmsNorm(attended, try w.doubleVector(.postAttentionNorm), c)
    let gate = try inner.linear(w.doubles(.mlpGate)).mapRows { $0.map { $0 / (1 + exp(-$0)) } }
    let up = try inner.linear(w.doubles(.mlpUp))
    let hidden = DoubleMatrix(zip(gate.rows, up.rows).map { zip($0, $1).map(*) })
    return try attended + hidden.linear(w.doubles(.mlpDown))
  }
}
