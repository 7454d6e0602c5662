import CogBase
import CogCompute
import Foundation
import Testing

/// Random queries, keys and values with room between rows, and what attention makes of them in double.
struct AttentionCase {
  let queryCount: Int
  let keyCount: Int
  let heads: Int
  let keyValueHeads: Int
  let dimension: Int
  let isCausal: Bool
  var queries: [Float]
  var keys: [Float]
  var values: [Float]
  let padding = 3

  init(_ queryCount: Int, _ keyCount: Int, heads: Int, keyValueHeads: Int, dimension: Int, isCausal: Bool) {
    var random = SplitMix64(seed: UInt64(queryCount * 1000 + keyCount))
    self.queryCount = queryCount
    self.keyCount = keyCount
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.dimension = dimension
    self.isCausal = isCausal
    queries = random.normals(queryCount * (heads * dimension + padding)).map(roundedToBFloat16)
    keys = random.normals(keyCount * (keyValueHeads * dimension + padding)).map(roundedToBFloat16)
    values = random.normals(keyCount * (keyValueHeads * dimension + padding)).map(roundedToBFloat16)
  }

  var shape: AttentionHeads {
    AttentionHeads(count: heads, keyValueCount: keyValueHeads, dimension: dimension)
  }

  var scale: Float { shape.scale }

  func computed(_ compute: Compute) -> [Float] {
    func slice(_ values: [Float], rows: Int, columns: Int) -> MatrixSlice {
      FloatMatrix(values, rows: rows, columns: columns + padding).columns(0..<columns)
    }
    return compute.attention(
      queries: slice(queries, rows: queryCount, columns: shape.width),
      keys: slice(keys, rows: keyCount, columns: shape.keyValueWidth),
      values: slice(values, rows: keyCount, columns: shape.keyValueWidth), heads: shape, isCausal: isCausal
    ).values
  }

  /// In double; `roundsWeights` rounds the exponentials to bfloat16 before they meet the values.
  func expected(roundsWeights: Bool = false) -> [Double] {
    let stride = keyValueHeads * dimension + padding
    var result = [Double](repeating: 0, count: queryCount * heads * dimension)
    for query in 0..<queryCount {
      for head in 0..<heads {
        let visible = isCausal ? max(0, keyCount - queryCount + query + 1) : keyCount
        let shared = head / (heads / keyValueHeads) * dimension
        let scores = (0..<visible).map { key in
          (0..<dimension).reduce(0.0) {
            $0 + Double(queries[query * (heads * dimension + padding) + head * dimension + $1])
              * Double(keys[key * stride + shared + $1])
          } * Double(scale)
        }
        let weights = scores.map { exp($0 - (scores.max() ?? 0)) }
        let sum = weights.reduce(0, +)
        for key in 0..<visible {
          let weight = roundsWeights ? Double(roundedToBFloat16(Float(weights[key]))) : weights[key]
          for i in 0..<dimension {
            result[(query * heads + head) * dimension + i] +=
              weight * Double(values[key * stride + shared + i]) / sum
          }
        }
      }
    }
    return result
  }
}

struct AttentionTests {
  static let cases = [
    AttentionCase(1, 1, heads: 1, keyValueHeads: 1, dimension: 4, isCausal: true),
    AttentionCase(1, 77, heads: 8, keyValueHeads: 2, dimension: 16, isCausal: true),
    AttentionCase(70, 70, heads: 4, keyValueHeads: 4, dimension: 14, isCausal: false),
    AttentionCase(70, 70, heads: 4, keyValueHeads: 1, dimension: 8, isCausal: true),
    AttentionCase(5, 133, heads: 6, keyValueHeads: 3, dimension: 112, isCausal: true),
    AttentionCase(2, 700, heads: 4, keyValueHeads: 2, dimension: 100, isCausal: true),
    AttentionCase(9, 4, heads: 2, keyValueHeads: 2, dimension: 8, isCausal: true),
    AttentionCase(3, 19, heads: 60, keyValueHeads: 2, dimension: 16, isCausal: true),
    AttentionCase(49, 49, heads: 3, keyValueHeads: 1, dimension: 128, isCausal: false),
    AttentionCase(33, 90, heads: 5, keyValueHeads: 5, dimension: 48, isCausal: true),
  ]

  @Test(
    "Attention is the softmax-weighted mean of the values, within float32 or 16-bit integers",
    arguments: cases.indices)
  func matchesDouble(index: Int) throws {
    let input = Self.cases[index]
    for kernels in KernelSet.available {
      for (mode, limit) in [(ComputeMode.float32, 1e-6), (.fast, 2e-4)] {
        let result = input.computed(Compute(mode: mode, kernels: kernels))
        #expect(relativeL2(result, input.expected()) < limit, "\(kernels.name) \(mode)")
      }
    }
  }

  @Test("Whatever the numbers' directions, no sum of products leaves 32 bits", arguments: [1, 112, 128, 300])
  func largestProducts(dimension: Int) throws {
    var input = AttentionCase(
      300, 300, heads: 1, keyValueHeads: 1, dimension: dimension, isCausal: false)
    let stride = dimension + input.padding
    // Queries and keys of one direction or of the opposite one, or in one feature only; values likewise.
    for row in 0..<300 {
      for feature in 0..<dimension {
        let sign: Float = row % 3 == 0 ? -1 : 1
        let isAlone = row % 2 == 0
        let value: Float = isAlone ? (feature == 0 ? sign : 0) : sign / Float(dimension).squareRoot()
        input.queries[row * stride + feature] = value * 5
        input.keys[row * stride + feature] = value
        input.values[row * stride + feature] = feature % 2 == 0 ? 7 : value
      }
    }
    for kernels in KernelSet.available {
      let result = input.computed(Compute(mode: .fast, kernels: kernels))
      #expect(relativeL2(result, input.expected()) < 2e-4, "\(kernels.name)")
    }
  }

  @Test(
    "Keys that have most of the weight, with values next to nothing, leave the others their own steps",
    arguments: [(300, 0.99), (300, 0.9), (2000, 0.97), (2000, 0.999)], [1, 3, 16])
  func sinks(of case: (keys: Int, share: Double), sinkCount: Int) throws {
    let (keyCount, share) = `case`
    var input = AttentionCase(6, keyCount, heads: 4, keyValueHeads: 1, dimension: 40, isCausal: true)
    let (stride, width) = (40 + input.padding, 160 + input.padding)
    // The first feature of a key is its score, since that of the queries is the root of the dimension.
    for query in 0..<6 {
      for feature in 0..<160 {
        input.queries[query * width + feature] = feature % 40 == 0 ? Float(40).squareRoot() : 0
      }
    }
    let others = (sinkCount..<keyCount).reduce(0.0) { $0 + exp(Double(input.keys[$1 * stride])) }
    for key in 0..<sinkCount {
      input.keys[key * stride] = Float(log(share / (1 - share) * others / Double(sinkCount)))
      for feature in 0..<40 { input.values[key * stride + feature] *= 0.01 }
    }
    for kernels in KernelSet.available {
      let result = input.computed(Compute(mode: .fast, kernels: kernels))
      #expect(relativeL2(result, input.expected()) < 3e-4, "\(kernels.name)")
    }
  }

  @Test("Keys that all weigh the same are not rounded the same way")
  func uniform() throws {
    var input = AttentionCase(3, 2100, heads: 1, keyValueHeads: 1, dimension: 16, isCausal: false)
    for i in input.keys.indices { input.keys[i] = 0 }
    for i in input.values.indices { input.values[i] = 1 + input.values[i] / 16 }
    for kernels in KernelSet.available {
      let result = input.computed(Compute(mode: .fast, kernels: kernels))
      #expect(relativeL2(result, input.expected()) < 5e-5, "\(kernels.name)")
    }
  }

  @Test("Without keys there are zeros", arguments: [ComputeMode.float32, .bfloat16, .fast])
  func noKeys(mode: ComputeMode) throws {
    let input = AttentionCase(5, 0, heads: 2, keyValueHeads: 1, dimension: 33, isCausal: true)
    for kernels in KernelSet.available {
      let result = input.computed(Compute(mode: mode, kernels: kernels))
      #expect(result == [Float](repeating: 0, count: 330), "\(kernels.name)")
    }
  }

  @Test("Numbers far apart keep their own steps: keys, queries, and a feature of the values")
  func differentMagnitudes() throws {
    var input = AttentionCase(40, 90, heads: 2, keyValueHeads: 1, dimension: 20, isCausal: true)
    for row in 0..<90 {
      for feature in 0..<20 {
        input.keys[row * 23 + feature] *= row % 4 == 0 ? 1e-3 : 1
        input.values[row * 23 + feature] *= feature % 5 == 0 ? 1e6 : 1
      }
    }
    for kernels in KernelSet.available {
      let result = input.computed(Compute(mode: .fast, kernels: kernels))
      let expected = input.expected()
      for feature in 0..<20 {
        let own = Array(stride(from: feature, to: result.count, by: 20))
        let error = relativeL2(own.map { result[$0] }, own.map { expected[$0] })
        #expect(error < 4e-4, "\(kernels.name) feature \(feature)")
      }
    }
  }

  @Test(
    "Values too small to square give no more than themselves, and those too large NaN",
    arguments: [(Float(1e-25), Float(1.0001e-25)), (1e25, .nan)])
  func outOfRange(magnitude: Float, most: Float) throws {
    var input = AttentionCase(20, 20, heads: 1, keyValueHeads: 1, dimension: 17, isCausal: false)
    for row in 0..<20 { input.values[row * 20 + 16] = magnitude }
    for kernels in KernelSet.available {
      let result = input.computed(Compute(mode: .fast, kernels: kernels))
      let last = (0..<20).map { result[$0 * 17 + 16] }
      #expect(last.allSatisfy { $0 >= 0 && $0 <= most || $0.isNaN && most.isNaN }, "\(kernels.name)")
      #expect(
        (0..<20).allSatisfy { result[$0 * 17..<$0 * 17 + 16].allSatisfy(\.isFinite) }, "\(kernels.name)")
    }
  }

  @Test("Every instruction set gives the same bits", arguments: cases.indices)
  func sameBits(index: Int) throws {
    for mode in [ComputeMode.float32, .bfloat16, .fast] {
      let results = KernelSet.available.map {
        Self.cases[index].computed(Compute(mode: mode, kernels: $0))
      }
      for (result, kernels) in zip(results, KernelSet.available) {
        #expect(result == results[0], "\(kernels.name) \(mode)")
      }
    }
  }

  @Test("A score that is NaN makes its own query's output NaN, and no other's", arguments: [2, 40])
  func spreadsNoNaN(query: Int) throws {
    var input = AttentionCase(41, 41, heads: 2, keyValueHeads: 1, dimension: 20, isCausal: true)
    input.queries[query * 43 + 25] = .nan
    for kernels in KernelSet.available {
      let result = input.computed(Compute(mode: .fast, kernels: kernels))
      let isNaN = (0..<82).map { head in result[head * 20..<(head + 1) * 20].allSatisfy(\.isNaN) }
      #expect(isNaN == (0..<82).map { $0 == 2 * query + 1 }, "\(kernels.name)")
    }
  }

  @Test(
    "bfloat16 attention rounds the exponentials and the quotient, and nothing else", arguments: cases.indices)
  func roundsInBFloat16(index: Int) throws {
    let input = Self.cases[index]
    let expected = input.expected(roundsWeights: true).map { roundedToBFloat16(Float($0)) }
    let result = input.computed(Compute(mode: .bfloat16))
    let equal = zip(result, expected).count { $0 == $1 }
    // A float32 sum that lies next to the middle of two bfloat16 numbers may fall to either side.
    #expect(Double(equal) >= 0.995 * Double(expected.count), "\(equal) of \(expected.count)")
    #expect(relativeL2(result, expected.map(Double.init)) < 3e-4)
  }
}
