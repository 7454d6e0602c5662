import CKernels
import CogModel
import CogBase

extension Compute {
  /// `torch.nn.Linear`: `x [tokens, columns]` times the transposed weight `[rows, columns]`, plus a bias for
  /// each row: `[tokens, rows]`. The sum and the bias are float32; rounds once.
  ///
  /// In ``ComputeMode/fast`` a quantized weight meets activations quantized to 8 bits (`Formats/int4.md`); in
  /// all other cases the weight is expanded to float32, and in bfloat16 mode rounded to bfloat16.
  ///
  /// - Throws: ``CogError`` when the sizes of input, weight and bias do not match.
  package func linear(_ x: FloatMatrix, _ weight: WeightMatrix, bias: [Float]? = nil) throws -> FloatMatrix {
    try checkSizes(tokens: x.rows, columns: x.columns, weight, bias: bias)
    let bias = bias.map(parameters)
    if mode == .fast, let quantized = QuantizedWeight(weight, bias: bias) {
      return multiplyQuantized(x, [quantized])[0]
    }
    let result = FloatMatrix(uninitializedRows: x.rows, columns: weight.rows)
    if x.rows > 0 { multiplyPlain(x, weight, bias: bias, into: result) }
    return result
  }

  /// Throws what ``linear(_:_:bias:)`` throws for an input `[tokens, columns]`.
  func checkSizes(tokens: Int, columns: Int, _ weight: WeightMatrix, bias: [Float]?) throws {
    guard columns == weight.columns, tokens <= Int32.max else {
      throw CogError(
        "a linear layer's input does not match its weight", expected: "\(weight.columns) columns",
        found: "\(columns)")
    }
    guard bias.map({ $0.count == weight.rows }) ?? true else {
      throw CogError(
        "a linear layer's bias does not match its weight", expected: "\(weight.rows) values",
        found: "\(bias?.count ?? 0)")
    }
  }
}

// MARK: - Weights as float32

extension Compute {
  /// Weight rows that one task multiplies with all tokens; BLAS rearranges the tokens for each such tile
  /// anew.
  private static let tileRows = 128
  /// Bytes of expanded weights that one task may hold.
  private static let tileBytes = 1 << 23

  /// Shares out tiles of weight rows; each is expanded to float32 unless it can be used as it lies.
  private func multiplyPlain(
    _ x: FloatMatrix, _ weight: WeightMatrix, bias: [Float]?, into result: FloatMatrix
  ) {
    let fitting = max(16, min(Self.tileRows, Self.tileBytes / (4 * weight.columns) / 16 * 16))
    let shared = (weight.rows + threads.threadCount * 4 - 1) / (threads.threadCount * 4)
    let tileRows = min(fitting, max(16, shared))
    threads.parallelFor((weight.rows + tileRows - 1) / tileRows) { index in
      let range = index * tileRows..<min(weight.rows, (index + 1) * tileRows)
      multiplyTile(x, weight, rows: range, into: result)
      finishTile(rows: range, bias: bias, of: result)
    }
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
        x.pointer, stride: x.columns, transposed: weights, stride: x.columns, into: output,
        stride: outputStride, m: x.rows, n: rows, k: x.columns)
    }
  }

  /// Adds the bias to the columns `range` of the result and rounds them.
  private func finishTile(rows range: Range<Int>, bias: [Float]?, of result: FloatMatrix) {
    for token in 0..<result.rows {
      let part = result.pointer + token * result.columns + range.lowerBound
      bias?.withUnsafeBufferPointer { values in
        if let base = values.baseAddress {
          kernels.table.pointee.add(part, base + range.lowerBound, range.count)
        }
      }
      roundPart(part, range.count)
    }
  }
}
