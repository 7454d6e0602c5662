import CKernels
import CogModel

/// A quantized weight as the kernels read it, and its bias. Whoever made it keeps the weight's memory alive.
struct QuantizedWeight: @unchecked Sendable {
  let layout: PanelLayout
  let matrix: CogPanelMatrix
  /// `[1, rows]`, or nil.
  private(set) var bias: FloatMatrix?
  private let kernels: KernelSet
  /// The product for any number of tokens.
  private let product: CogProduct

  /// Nil when the weight is not quantized, or `kernels` multiply no such weights.
  init?(_ weight: WeightMatrix, bias: FloatMatrix?, kernels: KernelSet) {
    guard let layout = weight.layout, let product = kernels.product(for: layout, tokens: 1),
      let matrix = CogPanelMatrix(layout, panels: weight.bytes)
    else {
      return nil
    }
    self.kernels = kernels
    self.product = product
    self.layout = layout
    self.matrix = matrix
    self.bias = bias
  }

  /// The weight alone.
  var withoutBias: QuantizedWeight {
    var copy = self
    copy.bias = nil
    return copy
  }

  /// The kernels that multiply `tokens` tokens with the weight.
  func product(tokens: Int) -> CogProduct { kernels.product(for: layout, tokens: tokens) ?? product }

  /// Whether as many tokens meet both weights by the same product.
  func sharesProduct(with other: QuantizedWeight) -> Bool {
    layout.encoding == other.layout.encoding
  }

  /// Whether activations quantized for one weight serve the other.
  func sharesInput(with other: QuantizedWeight) -> Bool {
    sharesProduct(with: other) && layout.paddedColumns == other.layout.paddedColumns
  }
}

/// Activations quantized to 8 bits in tiles of tokens, as the kernels read them.
struct QuantizedActivations {
  /// The kernels that write and read them.
  let product: CogProduct
  /// All tokens; valid as long as this is.
  let view: CogActivations
  /// Bytes of a token.
  let tokenBytes: Int
  private let memory: FloatMatrix

  /// Where the tokens begin; valid as long as this is.
  var tiles: UnsafeMutableRawPointer { UnsafeMutableRawPointer(memory.pointer) }

  /// Room for `tokens` tokens that `weight` meets.
  init(tokens: Int, for weight: QuantizedWeight) {
    let layout = weight.layout
    product = weight.product(tokens: tokens)
    tokenBytes = layout.groupCount * cog_token_bytes(layout.groupSize)
    memory = FloatMatrix(uninitializedRows: tokens, columns: tokenBytes / MemoryLayout<Float>.stride)
    view = CogActivations(tiles: memory.pointer, tokens: tokens, tile_tokens: product.tile_tokens)
  }
}

/// What a task takes of a product: without reference counts, over which threads would get into each other's
/// way.
struct ProductOperands {
  private let matrix: CogPanelMatrix
  private let panelCount: Int
  private let activations: CogActivations
  private let tokenBytes: Int
  private let bias: UnsafePointer<Float>?
  private let product: CogProduct

  /// The operands of a weight and activations that outlive them.
  init(_ weight: QuantizedWeight, _ activations: QuantizedActivations) {
    matrix = weight.matrix
    panelCount = weight.layout.panelCount
    self.activations = activations.view
    tokenBytes = activations.tokenBytes
    bias = weight.bias.map { UnsafePointer($0.pointer) }
    product = activations.product
  }

  /// Writes the products of a task's panels and tokens to their places in `[tokens, rows]`.
  func multiply(_ task: ProductTasks.Task, into output: UnsafeMutablePointer<Float>) {
    let stride = matrix.rows
    withOperands(of: task, panels: task.share(of: panelCount)) {
      product.multiply($0, output + task.tokens.lowerBound * stride, stride)
    }
  }

  /// Maps and quantizes the products, a whole number of groups of the next weight, to their places in `next`,
  /// whose tokens take `nextTokenBytes` each.
  func multiply(_ task: ProductTasks.Task, into next: CogNextActivations, nextTokenBytes: Int) {
    let together = Int(COG_NEXT_PANELS)
    let groups = task.share(of: (panelCount + together - 1) / together)
    let panels = groups.lowerBound * together..<min(panelCount, groups.upperBound * together)
    var next = next
    next.tiles += task.tokens.lowerBound * nextTokenBytes
    withOperands(of: task, panels: panels) { product.multiply_next?($0, &next) }
  }

  /// Calls `body` with what a task multiplies, and with scratch memory where the product needs it.
  private func withOperands(
    of task: ProductTasks.Task, panels: Range<Int>, _ body: (UnsafePointer<CogOperands>) -> Void
  ) {
    let tokens = CogActivations(
      tiles: activations.tiles + task.tokens.lowerBound * tokenBytes, tokens: task.tokens.count,
      tile_tokens: activations.tile_tokens)
    var operands = CogOperands(
      matrix: matrix, first_panel: panels.lowerBound, end_panel: panels.upperBound, activations: tokens,
      bias: bias, scratch: nil)
    guard product.scratch_bytes > 0 else { return body(&operands) }
    // The allocator gives a thread the same memory again, which is in its cache.
    let (scratch, byteCount) = RecycledMemory.allocate(byteCount: product.scratch_bytes)
    operands.scratch = scratch
    body(&operands)
    RecycledMemory.free(scratch, byteCount: byteCount)
  }
}
