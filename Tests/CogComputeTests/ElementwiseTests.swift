import CogBase
import CogCompute
import Foundation
import Testing

/// Rows and columns around every register width.
private let shapes = [(1, 1), (3, 7), (2, 16), (5, 17), (1, 33), (4, 1792), (9, 4099)]

/// The largest error of `results` in units in the last place of the exact values.
private func worstUlps(_ results: [Float], _ exact: [Double]) -> Double {
  zip(results, exact).map { abs(Double($0) - $1) / Double(Float($1).ulp) }.max() ?? 0
}

/// SiLU: a gate that opens by 1.
private func applySiLU(_ x: FloatMatrix, _ compute: Compute) {
  compute.gate(x, by: FloatMatrix(Array(repeating: 1, count: x.count), rows: x.rows, columns: x.columns))
}

private func applyGELU(_ x: FloatMatrix, _ compute: Compute) { compute.gelu(x) }

struct ElementwiseTests {
  @Test("GELU is as near to the exact one as float32 steps allow")
  func gelu() throws {
    let x = stride(from: Float(-12), through: 12, by: 0.0007).map { $0 }
    let exact = x.map { Double($0) / 2 * erfc(-Double($0) / 2.0.squareRoot()) }
    for kernels in KernelSet.available {
      let matrix = FloatMatrix(x, rows: 1, columns: x.count)
      Compute(mode: .float32, kernels: kernels).gelu(matrix)
      for (index, result) in matrix.values.enumerated() {
        // Half a unit each for x / sqrt(2), 1 + erf and the product, one for erf, all in units of 1 + erf <=
        // 2.
        let limit = 2.5 * 0x1p-24 * Double(abs(x[index]))
        #expect(abs(Double(result) - exact[index]) <= limit, "\(kernels.name) at \(x[index])")
      }
    }
  }

  @Test("Fast GELU is within 4e-5 |x| of the exact one, and exact beyond 4.4")
  func fastGELU() throws {
    let x = stride(from: Float(-12), through: 12, by: 0.0007).map { $0 } + [1e38, -1e38, 1e-30, 0]
    for kernels in KernelSet.available {
      let matrix = FloatMatrix(x, rows: 1, columns: x.count)
      Compute(mode: .fast, kernels: kernels).gelu(matrix)
      for (result, x) in zip(matrix.values, x) {
        let exact = Double(x) / 2 * erfc(-Double(x) / 2.0.squareRoot())
        #expect(abs(Double(result) - exact) <= 4e-5 * Double(abs(x)), "\(kernels.name) at \(x)")
        #expect(abs(x) <= 4.4 || result == max(0, x), "\(kernels.name) at \(x)")
      }
      let special = FloatMatrix([.infinity, .nan], rows: 1, columns: 2)
      Compute(mode: .fast, kernels: kernels).gelu(special)
      #expect(special[0, 0] == .infinity && special[0, 1].isNaN)
    }
  }

  @Test("SiLU is within 2.5 units in the last place of the exact one")
  func silu() throws {
    let x = stride(from: Float(-80), through: 80, by: 0.003).map { $0 } + [-1e-20, 1e-20, 0]
    let exact = x.map { Double($0) / (1 + exp(-Double($0))) }
    for kernels in KernelSet.available {
      let matrix = FloatMatrix(x, rows: 1, columns: x.count)
      applySiLU(matrix, Compute(mode: .float32, kernels: kernels))
      #expect(worstUlps(matrix.values, exact) < 2.5, "\(kernels.name)")
    }
  }

  @Test("Infinities and NaN go through activations and norms as IEEE numbers do, without a trap")
  func specialValues() throws {
    for kernels in KernelSet.available {
      let compute = Compute(mode: .float32, kernels: kernels)
      let matrix = FloatMatrix([.infinity, .nan, -1e38, 1e38, 0, -100], rows: 1, columns: 6)
      compute.gelu(matrix)
      #expect(matrix[0, 0] == .infinity && matrix[0, 1].isNaN && matrix[0, 3] == 1e38 && matrix[0, 4] == 0)
      #expect(matrix[0, 2] == 0 && matrix[0, 5] == 0)
      let other = FloatMatrix([.infinity, .nan, -1e38, 1e38, 0, -1000], rows: 1, columns: 6)
      applySiLU(other, compute)
      #expect(other[0, 0] == .infinity && other[0, 1].isNaN && other[0, 3] == 1e38 && other[0, 4] == 0)
      #expect(other[0, 2] == 0 && other[0, 5] == 0)
      let ones = [Float](repeating: 1, count: 3)
      let norm = RMSNorm(weight: ones, epsilon: 1e-5, compute: compute)(
        FloatMatrix([1, .nan, 2], rows: 1, columns: 3))
      #expect(norm.values.allSatisfy { $0.isNaN })
    }
  }

  @Test("LayerNorm is within 1 unit in the last place of the largest term")
  func layerNorm() throws {
    var random = SplitMix64(seed: 31)
    for (rows, columns) in shapes {
      let x = random.normals(rows * columns).map { $0 * 3 + 5 }
      let weight = random.normals(columns)
      let bias = random.normals(columns)
      for kernels in KernelSet.available {
        let compute = Compute(mode: .float32, kernels: kernels)
        let norm = try LayerNorm(weight: weight, bias: bias, epsilon: 1e-6, compute: compute)
        let result = norm(FloatMatrix(x, rows: rows, columns: columns))
        for row in 0..<rows {
          let values = x[row * columns..<(row + 1) * columns].map(Double.init)
          let mean = values.reduce(0, +) / Double(columns)
          let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
          for column in 0..<columns {
            let scaled =
              (values[column] - mean) / (variance + Double(Float(1e-6))).squareRoot() * Double(weight[column])
            let exact = scaled + Double(bias[column])
            #expect(abs(Double(result[row, column]) - exact) <= 0.51 * Double(Float(exact).ulp))
          }
        }
      }
    }
  }

  @Test("RMSNorm multiplies by the inverse root, then by the weight")
  func rmsNorm() throws {
    var random = SplitMix64(seed: 32)
    for (rows, columns) in shapes {
      let x = random.normals(rows * columns, scale: 0.3)
      let weight = random.normals(columns)
      for kernels in KernelSet.available {
        let compute = Compute(mode: .float32, kernels: kernels)
        let result = RMSNorm(weight: weight, epsilon: 1e-5, compute: compute)(
          FloatMatrix(x, rows: rows, columns: columns))
        for row in 0..<rows {
          let squares = x[row * columns..<(row + 1) * columns].reduce(0) { $0 + Double($1) * Double($1) }
          let inverse = Float(1 / (squares / Double(columns) + Double(Float(1e-5))).squareRoot())
          for column in 0..<columns {
            let expected = x[row * columns + column] * inverse * weight[column]
            // Double sums in another order can move the inverse root by one unit in the last place.
            #expect(abs(result[row, column] - expected) <= 2 * expected.ulp)
          }
        }
      }
    }
  }

  @Test(
    "Sums are IEEE float32, and bfloat16 mode rounds each once", arguments: ComputeMode.allCases)
  func sums(mode: ComputeMode) throws {
    var random = SplitMix64(seed: 33)
    func rounded(_ value: Float) -> Float { mode == .bfloat16 ? roundedToBFloat16(value) : value }
    for (rows, columns) in shapes {
      let x = random.normals(rows * columns).map(rounded)
      let y = random.normals(rows * columns).map(rounded)
      let right = FloatMatrix(y, rows: rows, columns: columns)
      for kernels in KernelSet.available {
        let compute = Compute(mode: mode, kernels: kernels)
        let sum = FloatMatrix(x, rows: rows, columns: columns)
        compute.add(right, to: sum)
        #expect(sum.values == zip(x, y).map { rounded($0 + $1) })
        let thirds = FloatMatrix(x.map { $0 / 3 }, rows: rows, columns: columns)
        compute.round(thirds)
        #expect(thirds.values == x.map { rounded($0 / 3) })
      }
    }
  }

  @Test("bfloat16 norms and activations are the float32 ones rounded once, with rounded weights")
  func bfloat16() throws {
    var random = SplitMix64(seed: 34)
    let x = random.normals(6 * 300).map(roundedToBFloat16)
    let weight = random.normals(300)
    let bias = random.normals(300)
    let plain = Compute(mode: .float32)
    let compute = Compute(mode: .bfloat16)
    func matrix() -> FloatMatrix { FloatMatrix(x, rows: 6, columns: 300) }
    let weights = weight.map(roundedToBFloat16)
    #expect(
      RMSNorm(weight: weight, epsilon: 1e-5, compute: compute)(matrix()).values
        == RMSNorm(weight: weights, epsilon: 1e-5, compute: plain)(matrix()).values.map(roundedToBFloat16))
    let roundedBias = bias.map(roundedToBFloat16)
    let norm = try LayerNorm(weight: weight, bias: bias, epsilon: 1e-6, compute: compute)
    let plainNorm = try LayerNorm(weight: weights, bias: roundedBias, epsilon: 1e-6, compute: plain)
    #expect(norm(matrix()).values == plainNorm(matrix()).values.map(roundedToBFloat16))
    for operation in [applyGELU, applySiLU] {
      let (left, right) = (matrix(), matrix())
      operation(left, compute)
      operation(right, plain)
      #expect(left.values == right.values.map(roundedToBFloat16))
    }
  }

  @Test("All instruction sets give the same bits")
  func sameBits() throws {
    var random = SplitMix64(seed: 35)
    let portable = try Compute(mode: .float32, kernels: KernelSet.named("portable"))
    for (rows, columns) in shapes {
      let x = random.normals(rows * columns, scale: 4)
      let weight = random.normals(columns)
      func matrix() -> FloatMatrix { FloatMatrix(x, rows: rows, columns: columns) }
      for kernels in KernelSet.available {
        let compute = Compute(mode: .float32, kernels: kernels)
        let (fast, fastPortable) = (
          Compute(mode: .fast, kernels: kernels), Compute(mode: .fast, kernels: portable.kernels)
        )
        for (operation, compute, portable) in [
          (applyGELU, compute, portable), (applySiLU, compute, portable), (applyGELU, fast, fastPortable),
        ] {
          let (left, right) = (matrix(), matrix())
          operation(left, compute)
          operation(right, portable)
          #expect(left.values == right.values, "\(kernels.name)")
        }
        let layerNorms = try [compute, portable].map {
          try LayerNorm(weight: weight, bias: weight, epsilon: 1e-5, compute: $0)(matrix()).values
        }
        #expect(layerNorms[0] == layerNorms[1])
        let rmsNorms = [compute, portable].map {
          RMSNorm(weight: weight, epsilon: 1e-5, compute: $0)(matrix()).values
        }
        #expect(rmsNorms[0] == rmsNorms[1])
      }
    }
  }
}
