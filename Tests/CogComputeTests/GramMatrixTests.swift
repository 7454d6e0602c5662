import CogBase
import CogCompute
import Testing

@Suite struct GramMatrixTests {
  /// `sum of weight * x * x^T` in double.
  private func twin(_ x: [Float], size: Int, weights: [Float]?) -> [Double] {
    let count = x.count / size
    return (0..<size * size).map { index in
      (0..<count).reduce(0.0) { sum, row in
        sum + Double(weights?[row] ?? 1) * Double(x[row * size + index / size])
          * Double(x[row * size + index % size])
      }
    }
  }

  /// The largest difference in the lower triangle, as a share of the largest element.
  private func difference(_ own: FloatMatrix, _ twin: [Double]) -> Double {
    let largest = twin.map(abs).max() ?? 1
    var worst = 0.0
    for row in 0..<own.rows {
      for column in 0...row {
        worst = max(worst, abs(Double(own[row, column]) - twin[row * own.rows + column]) / largest)
      }
    }
    return worst
  }

  @Test("Second moments are those of double precision, over several calls, with and without weights")
  func sums() throws {
    var random = SplitMix64(seed: 3)
    for (size, hasWeights) in [(1, true), (37, false), (37, true), (401, true)] {
      let x = random.normals(9 * size)
      let weights = hasWeights ? (0..<9).map { Float($0 % 3) } : nil
      let gram = GramMatrix(size: size)
      let pool = ThreadPool(threadCount: 2)
      for rows in [0..<4, 4..<9] {
        let part = Array(x[rows.lowerBound * size..<rows.upperBound * size])
        gram.add(
          FloatMatrix(part, rows: rows.count, columns: size), weights: weights.map { Array($0[rows]) },
          threads: pool)
      }
      #expect(gram.count == 9 && gram.weight == 9)
      #expect(difference(gram.values, twin(x, size: size, weights: weights)) < 1e-6)
    }
  }

  @Test("Sums and factors have the same bits whatever the number of threads")
  func threads() throws {
    var random = SplitMix64(seed: 4)
    let (size, count) = (830, 40)
    let x = FloatMatrix(random.normals(size * count), rows: count, columns: size)
    var results: [[Float]] = []
    for threadCount in [1, 2, 5] {
      let pool = ThreadPool(threadCount: threadCount)
      let gram = GramMatrix(size: size)
      gram.add(x, threads: pool)
      for index in 0..<size { gram.values[index, index] += 5 }
      let isFactorized = try CholeskyFactor.replace(gram.values, context: RunContext(threads: pool))
      #expect(isFactorized)
      results.append((0..<size).flatMap { Array(gram.values.row($0)[0...$0]) })
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  @Test(
    "A factor times its transposed is the matrix; what is not positive definite is refused",
    arguments: [
      1, 5, 256, 300, 777,
    ])
  func factor(size: Int) throws {
    var random = SplitMix64(seed: UInt64(size))
    let gram = GramMatrix(size: size)
    let pool = ThreadPool(threadCount: 2)
    let count = 3 * size / 2 + 1
    gram.add(FloatMatrix(random.normals(count * size), rows: count, columns: size), threads: pool)
    for index in 0..<size { gram.values[index, index] += Float(size) / 10 }
    let before = gram.values.values
    #expect(try CholeskyFactor.replace(gram.values, context: RunContext(threads: pool)))
    var worst = 0.0
    for row in stride(from: 0, to: size, by: max(1, size / 60)) {
      for column in stride(from: 0, through: row, by: max(1, size / 60)) {
        let product = (0...column).reduce(0.0) {
          $0 + Double(gram.values[row, $1]) * Double(gram.values[column, $1])
        }
        worst = max(worst, abs(product - Double(before[row * size + column])))
      }
    }
    #expect(worst < 1e-5 * Double(before[0]) * Double(size).squareRoot())
    for pivot in [-1, Float.nan, .infinity] {
      let spoiled = FloatMatrix(before, rows: size, columns: size)
      spoiled[size - 1, size - 1] = pivot
      #expect(try !CholeskyFactor.replace(spoiled, context: RunContext(threads: pool)), "\(pivot)")
      spoiled.store(FloatMatrix(before, rows: size, columns: size), at: 0)
      spoiled[0, 0] = pivot
      #expect(try !CholeskyFactor.replace(spoiled, context: RunContext(threads: pool)), "\(pivot)")
    }
  }
}
