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
    layout.bits == other.layout.bits && layout.groupSize == other.layout.groupSize
      && layout.paddedColumns == other.layout.paddedColumns
  }
}

extension Compute {
  /// Bytes of panels that one task multiplies with all tokens: they stay in the second-level cache while the
  /// tokens pass, a tile at a time.
  private static let panelBytesAtOnce = 1 << 18

  /// `x [tokens, columns]` times the transposed panels of each product, which share their input, plus the bias:
  /// quantizes the tokens to 8 bits once, and shares out all products together.
  func multiplyQuantized(_ x: FloatMatrix, _ products: [QuantizedProduct]) {
    guard let first = products.first else { return }
    let productKernels = productKernels(first.layout, tokens: x.rows)
    let activations = QuantizedActivations(
      x, layout: first.layout, productKernels, tileTokens: kernels.table.pointee.tile_tokens,
      threads: threads)
    let taskCounts = products.map {
      taskCount($0.layout, tokens: x.rows, fewestPanels: productKernels.fewest_panels)
    }
    threads.parallelFor(taskCounts.reduce(0, +)) { index in
      var (part, number) = (index, 0)
      while part >= taskCounts[number] {
        part -= taskCounts[number]
        number += 1
      }
      let (panels, tasks) = (products[number].layout.panelCount, taskCounts[number])
      multiply(
        products[number], activations, productKernels,
        panels: part * panels / tasks..<(part + 1) * panels / tasks)
    }
  }

  /// The kernels that multiply `tokens` tokens with weights of `layout`.
  private func productKernels(_ layout: PanelLayout, tokens: Int) -> CogProduct {
    let table = kernels.table.pointee
    if layout.bits == 8 { return table.int8 }
    return tokens >= table.many_tokens ? table.int4_many : table.int4
  }

  private func multiply(
    _ product: borrowing QuantizedProduct, _ activations: borrowing QuantizedActivations,
    _ productKernels: CogProduct, panels: Range<Int>
  ) {
    var (matrix, view) = (product.matrix, activations.view)
    withOptionalPointer(to: product.bias) {
      productKernels.matmul(
        &matrix, panels.lowerBound, panels.upperBound, &view, $0, product.result.pointer,
        product.result.columns)
    }
  }

  /// Tasks that share out a weight's panels, about equal in size; as many for each thread, unless there are fewer
  /// panels.
  private func taskCount(_ layout: PanelLayout, tokens: Int, fewestPanels: Int) -> Int {
    // The parts of a token or two are many, so that no thread waits long for the last one.
    let most = threads.threadCount * (tokens <= 2 ? 24 : 4)
    let fitting = max(fewestPanels, Self.panelBytesAtOnce / layout.panelBytes)
    let needed = tokens <= 2 ? most : max(most, (layout.panelCount + fitting - 1) / fitting)
    let shared = (needed + threads.threadCount - 1) / threads.threadCount * threads.threadCount
    return min(shared, layout.panelCount)
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
  private let memory: FloatMatrix

  /// Quantizes `x`, the tiles in parallel.
  init(
    _ x: FloatMatrix, layout: PanelLayout, _ productKernels: CogProduct, tileTokens: Int, threads: ThreadPool
  ) {
    tokens = x.rows
    self.tileTokens = tileTokens
    let tokenFloats = layout.groupCount * cog_token_bytes(layout.groupSize) / MemoryLayout<Float>.stride
    memory = FloatMatrix(uninitializedRows: x.rows, columns: tokenFloats)
    let memory = memory
    threads.parallelFor((x.rows + tileTokens - 1) / tileTokens) { tile in
      let first = tile * tileTokens
      let width = min(tileTokens, x.rows - first)
      productKernels.activations(
        x.pointer + first * x.columns, x.columns, width, x.columns, layout.paddedColumns, layout.groupSize,
        memory.pointer + first * tokenFloats)
    }
  }

  var view: CogActivations {
    CogActivations(tiles: memory.pointer, tokens: tokens, tile_tokens: tileTokens)
  }
}
