import CKernels
import CogNative

extension Compute {
  /// Bytes of panels that one task multiplies with all tokens: they stay in the second-level cache while the
  /// tokens pass, a tile at a time.
  private static let panelBytesAtOnce = 1 << 18

  /// `x [tokens, columns]` times the transposed panels, plus the bias: quantizes the tokens to 8 bits first.
  func multiplyQuantized(
    _ x: FloatMatrix, _ matrix: CogPanelMatrix, _ layout: PanelLayout, bias: [Float]?,
    into result: FloatMatrix
  ) {
    let activations = QuantizedActivations(x, layout: layout, kernels: kernels, threads: threads)
    let multiply = layout.bits == 4 ? kernels.table.pointee.matmul_int4 : kernels.table.pointee.matmul_int8
    let shared = (layout.panelCount + threads.threadCount * 4 - 1) / (threads.threadCount * 4)
    let atOnce = x.rows == 1 ? shared : min(max(1, Self.panelBytesAtOnce / layout.panelBytes), shared)
    threads.parallelFor((layout.panelCount + atOnce - 1) / atOnce) { index in
      var matrix = matrix
      var view = activations.view
      let end = min(layout.panelCount, (index + 1) * atOnce)
      withOptionalPointer(to: bias) {
        multiply(&matrix, index * atOnce, end, &view, $0, result.pointer, result.columns)
      }
    }
  }

  private func withOptionalPointer(to values: [Float]?, _ body: (UnsafePointer<Float>?) -> Void) {
    guard let values else { return body(nil) }
    values.withUnsafeBufferPointer { body($0.baseAddress) }
  }
}

/// Activations quantized to 8 bits in tiles of tokens, as the kernels read them (`CogActivations`).
private struct QuantizedActivations {
  private let tokens: Int
  private let tileTokens: Int
  /// `[tokens, padded columns]` bytes, then `[tokens, groups]` scales and as many sums, all in tiles.
  private let memory: FloatMatrix
  private let values: UnsafeMutablePointer<Int8>
  private let scales: UnsafeMutablePointer<Float>
  private let sums: UnsafeMutablePointer<Int32>

  /// Quantizes `x`, the tiles in parallel.
  init(_ x: FloatMatrix, layout: PanelLayout, kernels: KernelSet, threads: ThreadPool) {
    tokens = x.rows
    tileTokens = kernels.table.pointee.tile_tokens
    let (columns, groups) = (layout.paddedColumns, layout.groupCount)
    memory = FloatMatrix(uninitializedRows: x.rows, columns: columns / 4 + 2 * groups)
    let count = x.rows * columns
    values = UnsafeMutableRawPointer(memory.pointer).assumingMemoryBound(to: Int8.self)
    scales = memory.pointer + count / 4
    sums = UnsafeMutableRawPointer(scales + x.rows * groups).assumingMemoryBound(to: Int32.self)
    let (values, scales, sums, tileTokens) = (values, scales, sums, tileTokens)
    threads.parallelFor((x.rows + tileTokens - 1) / tileTokens) { tile in
      let first = tile * tileTokens
      let width = min(tileTokens, x.rows - first)
      for token in 0..<width {
        kernels.table.pointee.quantize_activations(
          x.pointer + (first + token) * x.columns, x.columns, columns, layout.groupSize, width,
          values + first * columns + token * 4, scales + first * groups + token,
          sums + first * groups + token)
      }
    }
  }

  var view: CogActivations {
    CogActivations(values: values, scales: scales, sums: sums, tokens: tokens, tile_tokens: tileTokens)
  }
}
