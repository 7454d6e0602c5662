import CKernels
import CogModel

/// A quantized weight as the kernels read it, and its bias. Whoever made it keeps the weight's memory alive.
struct QuantizedWeight: @unchecked Sendable {
  let layout: PanelLayout
  let kernels: EncodingKernels
  let matrix: CogPanelMatrix
  /// `[1, rows]`, or nil.
  private(set) var bias: FloatMatrix?

  /// Nil when the weight is not quantized.
  init?(_ weight: WeightMatrix, bias: FloatMatrix?) {
    guard let layout = weight.layout, let kernels = weight.panelKernels,
      let matrix = CogPanelMatrix(layout, panels: weight.bytes)
    else { return nil }
    self.layout = layout
    self.kernels = kernels
    self.matrix = matrix
    self.bias = bias
  }

  /// The weight alone.
  var withoutBias: QuantizedWeight {
    var copy = self
    copy.bias = nil
    return copy
  }

  /// Whether activations quantized for one weight serve the other.
  func sharesInput(with other: QuantizedWeight) -> Bool {
    layout.encoding == other.layout.encoding && layout.paddedColumns == other.layout.paddedColumns
  }
}

/// Activations quantized to 8 bits in tiles of tokens, as the kernels read them.
struct QuantizedActivations {
  /// The kernels that write and read them.
  let kernels: CogProduct
  /// All tokens; valid as long as this is.
  let view: CogActivations
  /// Bytes of a token.
  let tokenBytes: Int
  private let memory: FloatMatrix

  /// Where the tokens begin; valid as long as this is.
  var tiles: UnsafeMutableRawPointer { UnsafeMutableRawPointer(memory.pointer) }

  /// Room for `tokens` tokens.
  init(tokens: Int, layout: PanelLayout, _ kernels: CogProduct, tileTokens: Int) {
    self.kernels = kernels
    tokenBytes = layout.groupCount * cog_token_bytes(layout.groupSize)
    memory = FloatMatrix(uninitializedRows: tokens, columns: tokenBytes / MemoryLayout<Float>.stride)
    view = CogActivations(tiles: memory.pointer, tokens: tokens, tile_tokens: tileTokens)
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
  private let kernels: CogProduct

  /// The operands of a weight and activations that outlive them.
  init(_ weight: QuantizedWeight, _ activations: QuantizedActivations) {
    matrix = weight.matrix
    panelCount = weight.layout.panelCount
    self.activations = activations.view
    tokenBytes = activations.tokenBytes
    bias = weight.bias.map { UnsafePointer($0.pointer) }
    kernels = activations.kernels
  }

  /// Writes the products of a task's panels and tokens to their places in `[tokens, rows]`.
  func multiply(_ task: ProductTasks.Task, into output: UnsafeMutablePointer<Float>) {
    let (panels, stride) = (task.share(of: panelCount), matrix.rows)
    var (matrix, tokens) = (matrix, activations(of: task))
    kernels.matmul(
      &matrix, panels.lowerBound, panels.upperBound, &tokens, bias,
      output + task.tokens.lowerBound * stride, stride)
  }

  /// Maps and quantizes the products, a whole number of groups of the next weight, to their places in `next`,
  /// whose tokens take `nextTokenBytes` each.
  func multiply(_ task: ProductTasks.Task, into next: CogNextActivations, nextTokenBytes: Int) {
    let step = Int(COG_NEXT_STEP)
    let steps = task.share(of: (panelCount + step - 1) / step)
    var (matrix, tokens, next) = (matrix, activations(of: task), next)
    next.tiles += task.tokens.lowerBound * nextTokenBytes
    kernels.matmul_next?(
      &matrix, steps.lowerBound * step, min(panelCount, steps.upperBound * step), &tokens, bias, &next)
  }

  private func activations(of task: ProductTasks.Task) -> CogActivations {
    CogActivations(
      tiles: activations.tiles + task.tokens.lowerBound * tokenBytes, tokens: task.tokens.count,
      tile_tokens: activations.tile_tokens)
  }
}
