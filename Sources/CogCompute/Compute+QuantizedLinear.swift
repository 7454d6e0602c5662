import CKernels
import CogNative

/// A quantized weight that a product needs, its bias, and where the product goes.
struct QuantizedProduct {
  let layout: PanelLayout
  let matrix: CogPanelMatrix
  let bias: [Float]?
  /// `[tokens, rows]`.
  let result: FloatMatrix

  /// The product of `tokens` tokens with a weight, or nil when the weight is not quantized.
  init?(_ weight: WeightMatrix, bias: [Float]? = nil, tokens: Int) {
    guard let layout = weight.layout, let matrix = CogPanelMatrix(layout, panels: weight.bytes) else {
      return nil
    }
    self.layout = layout
    self.matrix = matrix
    self.bias = bias
    result = FloatMatrix(uninitializedRows: tokens, columns: weight.rows)
  }

  /// Whether activations quantized for one weight serve the other.
  func sharesInput(with other: QuantizedProduct) -> Bool {
    layout.groupSize == other.layout.groupSize && layout.paddedColumns == other.layout.paddedColumns
  }
}

extension Compute {
  /// Bytes of panels that one task multiplies with all tokens: they stay in the second-level cache while the
  /// tokens pass, a tile at a time.
  private static let panelBytesAtOnce = 1 << 18
  /// Panels that one task multiplies at least: a tile of wide rows is too large for the first-level cache, and is
  /// read again for every task.
  private static let fewestPanelsAtOnce = 4

  /// `x [tokens, columns]` times the transposed panels of each product, which share their input, plus the bias:
  /// quantizes the tokens to 8 bits once, and shares out all products together.
  func multiplyQuantized(_ x: FloatMatrix, _ products: [QuantizedProduct]) {
    guard let first = products.first else { return }
    let activations = QuantizedActivations(x, layout: first.layout, kernels: kernels, threads: threads)
    let panelsAtOnce = products.map { panelsOfTask($0.layout, tokens: x.rows) }
    let taskCounts = zip(products, panelsAtOnce).map { ($0.layout.panelCount + $1 - 1) / $1 }
    threads.parallelFor(taskCounts.reduce(0, +)) { index in
      var (part, number) = (index, 0)
      while part >= taskCounts[number] {
        part -= taskCounts[number]
        number += 1
      }
      let start = part * panelsAtOnce[number]
      multiply(
        products[number], activations,
        panels: start..<min(start + panelsAtOnce[number], products[number].layout.panelCount))
    }
  }

  private func multiply(
    _ product: borrowing QuantizedProduct, _ activations: borrowing QuantizedActivations, panels: Range<Int>
  ) {
    var (matrix, view) = (product.matrix, activations.view)
    let multiply =
      product.layout.bits == 4 ? kernels.table.pointee.matmul_int4 : kernels.table.pointee.matmul_int8
    withOptionalPointer(to: product.bias) {
      multiply(
        &matrix, panels.lowerBound, panels.upperBound, &view, $0, product.result.pointer,
        product.result.columns)
    }
  }

  /// Panels that one task multiplies.
  private func panelsOfTask(_ layout: PanelLayout, tokens: Int) -> Int {
    // The parts of a token or two are many, so that no thread waits long for the last one.
    let parts = threads.threadCount * (tokens <= 2 ? 24 : 4)
    let shared = (layout.panelCount + parts - 1) / parts
    let fitting = max(Self.fewestPanelsAtOnce, Self.panelBytesAtOnce / layout.panelBytes)
    return tokens <= 2 ? shared : min(fitting, shared)
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
