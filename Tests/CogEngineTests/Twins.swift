import CogCompute
import CogEngine
import CogModel
import Foundation

/// A matrix in double precision, for plain twins of the model's layers.
struct DoubleMatrix {
  var rows: [[Double]]

  init(_ rows: [[Double]]) { self.rows = rows }

  init(_ matrix: FloatMatrix) {
    rows = (0..<matrix.rows).map { row in matrix.row(row).map(Double.init) }
  }

  /// `x W^T + b`.
  func linear(_ weight: DoubleMatrix, bias: [Double]? = nil) -> DoubleMatrix {
    DoubleMatrix(
      rows.map { x in
        weight.rows.enumerated().map { index, w in
          zip(x, w).reduce(bias?[index] ?? 0) { $0 + $1.0 * $1.1 }
        }
      })
  }

  /// Every row by itself.
  func mapRows(_ body: ([Double]) -> [Double]) -> DoubleMatrix { DoubleMatrix(rows.map(body)) }

  static func + (a: DoubleMatrix, b: DoubleMatrix) -> DoubleMatrix {
    DoubleMatrix(zip(a.rows, b.rows).map { zip($0, $1).map(+) })
  }

  /// `|matrix - self| / |self|`.
  func relativeL2(of matrix: FloatMatrix) -> Double {
    let pairs = zip(DoubleMatrix(matrix).rows.joined(), rows.joined())
    let difference = pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (difference / pairs.reduce(0) { $0 + $1.1 * $1.1 }).squareRoot()
  }
}

/// `softmax(q k^T / sqrt(dimension)) v`, head by head.
func plainAttention(
  _ queries: [[Double]], _ keys: [[Double]], _ values: [[Double]], heads: AttentionHeads, isCausal: Bool
) -> DoubleMatrix {
  let size = heads.dimension
  return DoubleMatrix(
    queries.indices.map { query in
      (0..<heads.count).flatMap { head -> [Double] in
        let shared = head / (heads.count / heads.keyValueCount)
        let own = queries[query][head * size..<(head + 1) * size]
        let visible = isCausal ? keys.count - queries.count + query + 1 : keys.count
        let scores = keys[..<visible].map { key in
          zip(own, key[shared * size..<(shared + 1) * size]).reduce(0) { $0 + $1.0 * $1.1 }
            / Double(size).squareRoot()
        }
        let weights = scores.map { exp($0 - (scores.max() ?? 0)) }
        let sum = weights.reduce(0, +)
        return (0..<size).map { feature in
          (0..<visible).reduce(0) { $0 + weights[$1] * values[$1][shared * size + feature] } / sum
        }
      }
    })
}

extension WeightBinder {
  /// A weight in double precision.
  func doubles(_ role: TensorRole) throws -> DoubleMatrix {
    let weight = try matrix(role)
    return DoubleMatrix(try weight.dequantizedRows(0..<weight.rows, kernels: compute.kernels))
  }

  /// A vector in double precision.
  func doubleVector(_ role: TensorRole) throws -> [Double] { try vector(role).map(Double.init) }
}
