import CKernels
import CogModel

extension Compute {
  /// Weight rows that one task multiplies with all tokens; BLAS rearranges the tokens for each such tile
  /// anew.
  private static let tileRows = 128
  /// Bytes of expanded weights that one task may hold.
  private static let tileBytes = 1 << 23

  /// `x [tokens, columns]` times the transposed weight, plus the bias `[1, rows]`: `[tokens, rows]`. Shares
  /// out tiles of weight rows; each is expanded to float32 unless it can be used as it lies.
  func multiplyPlain(_ x: FloatMatrix, _ weight: WeightMatrix, bias: FloatMatrix?) -> FloatMatrix {
    let result = FloatMatrix(uninitializedRows: x.rows, columns: weight.rows)
    guard x.rows > 0 else { return result }
    let fitting = max(16, min(Self.tileRows, Self.tileBytes / (4 * weight.columns) / 16 * 16))
    let shared = (weight.rows + threads.threadCount * 4 - 1) / (threads.threadCount * 4)
    let tileRows = isReproducible ? fitting : min(fitting, max(16, shared))
    threads.parallelFor((weight.rows + tileRows - 1) / tileRows) { index in
      let range = index * tileRows..<min(weight.rows, (index + 1) * tileRows)
      multiplyTile(x, weight, rows: range, into: result)
      finishTile(rows: range, bias: bias, of: result)
    }
    return result
  }

  /// Writes the columns `range` of the result: the products with these rows of the weight.
  private func multiplyTile(
    _ x: FloatMatrix, _ weight: WeightMatrix, rows range: Range<Int>, into result: FloatMatrix
  ) {
    let output = result.pointer + range.lowerBound
    if x.rows == 1, weight.encoding.plainType == .bfloat16, let base = weight.bytes.baseAddress {
      let first = base + range.lowerBound * weight.columns * 2
      kernels.table.pointee.matvec_bf16(first, weight.columns, range.count, weight.columns, x.pointer, output)
      return
    }
    if !rounds, let floats = weight.alignedFloats {
      multiplyFloats(x, floats + range.lowerBound * weight.columns, rows: range.count, output, result.columns)
      return
    }
    let expanded = FloatMatrix(uninitializedRows: range.count, columns: weight.columns)
    weight.expand(range, into: expanded.pointer, kernels: kernels)
    if weight.isWiderThanBFloat16 { roundPart(expanded.pointer, expanded.count) }
    multiplyFloats(x, expanded.pointer, rows: range.count, output, result.columns)
  }

  private func multiplyFloats(
    _ x: FloatMatrix, _ weights: UnsafePointer<Float>, rows: Int, _ output: UnsafeMutablePointer<Float>,
    _ outputStride: Int
  ) {
    if x.rows == 1 {
      kernels.table.pointee.matvec_f32(weights, x.columns, rows, x.columns, x.pointer, output)
    } else {
      BLAS.multiply(
        .init(x.pointer, stride: x.columns), by: .init(weights, stride: x.columns, transposed: true),
        m: x.rows, n: rows, k: x.columns, into: output, stride: outputStride)
    }
  }

  /// Adds the bias to the columns `range` of the result and rounds them.
  private func finishTile(rows range: Range<Int>, bias: FloatMatrix?, of result: FloatMatrix) {
    for token in 0..<result.rows {
      let part = result.pointer + token * result.columns + range.lowerBound
      if let bias { kernels.table.pointee.add(part, bias.pointer + range.lowerBound, range.count) }
      roundPart(part, range.count)
    }
  }
}
