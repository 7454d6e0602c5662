import CKernels
import CogNative

/// A quantized weight that a product needs, its bias, and where the product goes.
struct QuantizedProduct {
  let layout: PanelLayout
  let matrix: CogPanelMatrix
  /// `[rows]`, or nil.
  let bias: FloatMatrix?
  /// `[tokens, rows]`.
  let result: FloatMatrix

  /// The product of `tokens` tokens with a weight, or nil when the weight is not quantized.
  init?(_ weight: WeightMatrix, bias: [Float]? = nil, tokens: Int) {
    guard let layout = weight.layout, let matrix = CogPanelMatrix(layout, panels: weight.bytes) else {
      return nil
    }
    self.layout = layout
    self.matrix = matrix
    self.bias = bias.map { FloatMatrix($0, rows: 1, columns: $0.count) }
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
    let tasks = ProductTasks(
      counts: products.map {
        taskCount($0.layout, tokens: x.rows, fewestPanels: productKernels.fewest_panels)
      }, tokens: x.rows, tileTokens: kernels.table.pointee.tile_tokens, threads: threads.threadCount)
    let operands = products.map { ProductOperands($0, activations, productKernels) }
    withExtendedLifetime((products, activations)) {
      threads.parallelFor(tasks.count) { index in
        let task = tasks[index]
        operands[task.product].multiply(task)
      }
    }
  }

  /// The kernels that multiply `tokens` tokens with weights of `layout`.
  private func productKernels(_ layout: PanelLayout, tokens: Int) -> CogProduct {
    let table = kernels.table.pointee
    if layout.bits == 8 { return table.int8 }
    return tokens >= table.many_tokens ? table.int4_many : table.int4
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
}

/// How threads share out the products of some weights with many tokens. A task is a part of a weight's panels with all
/// tokens, which are unpacked once; but the last one of each thread's share has the tokens in parts of their own, so
/// that no thread waits long for another whose processor is slower for the moment.
private struct ProductTasks {
  /// A task: part `part` of `partCount` of a product's panels, and some tokens.
  struct Task {
    let product, part, partCount: Int
    let tokens: Range<Int>
  }

  private static let fewestTokens = 96

  /// Parts of each product's panels.
  private let counts: [Int]
  private let tokens, tileTokens: Int
  /// Tasks of a thread's share: `whole` with all tokens, then `split` with a part of them.
  private let whole, split: Int
  /// How many there are.
  let count: Int

  init(counts: [Int], tokens: Int, tileTokens: Int, threads: Int) {
    let total = counts.reduce(0, +)
    // Without equal shares, one with all tasks.
    let shares = total % threads == 0 ? threads : 1
    self.counts = counts
    self.tokens = tokens
    self.tileTokens = tileTokens
    split = shares > 1 ? min(4, max(1, tokens / Self.fewestTokens)) : 1
    whole = total / shares - 1
    count = shares * (whole + split)
  }

  subscript(index: Int) -> Task {
    let (share, place) = index.quotientAndRemainder(dividingBy: whole + split)
    var part = share * (whole + 1) + min(place, whole)
    var product = 0
    while part >= counts[product] {
      part -= counts[product]
      product += 1
    }
    return Task(
      product: product, part: part, partCount: counts[product],
      tokens: place < whole ? 0..<tokens : firstToken(place - whole)..<firstToken(place - whole + 1))
  }

  /// Where a part of the tokens begins, and the one before it ends: with a whole tile.
  private func firstToken(_ part: Int) -> Int {
    part == split ? tokens : tokens * part / split / tileTokens * tileTokens
  }
}

/// Activations quantized to 8 bits in tiles of tokens, as the kernels read them.
private struct QuantizedActivations {
  /// All tokens; valid as long as this is.
  let view: CogActivations
  /// Bytes of a token.
  let tokenBytes: Int
  private let memory: FloatMatrix

  /// Quantizes `x`, the tiles in parallel.
  init(
    _ x: FloatMatrix, layout: PanelLayout, _ productKernels: CogProduct, tileTokens: Int, threads: ThreadPool
  ) {
    tokenBytes = layout.groupCount * cog_token_bytes(layout.groupSize)
    let tokenFloats = tokenBytes / MemoryLayout<Float>.stride
    memory = FloatMatrix(uninitializedRows: x.rows, columns: tokenFloats)
    let tiles = memory.pointer
    view = CogActivations(tiles: tiles, tokens: x.rows, tile_tokens: tileTokens)
    threads.parallelFor((x.rows + tileTokens - 1) / tileTokens) { tile in
      let first = tile * tileTokens
      let width = min(tileTokens, x.rows - first)
      productKernels.activations(
        x.pointer + first * x.columns, x.columns, width, x.columns, layout.paddedColumns, layout.groupSize,
        tiles + first * tokenFloats)
    }
  }
}

/// What tasks take of a product and its input: without reference counts, over which threads would get into each
/// other's way.
private struct ProductOperands {
  private let matrix: CogPanelMatrix
  private let panelCount: Int
  private let activations: CogActivations
  private let tokenBytes: Int
  private let kernels: CogProduct
  private let bias: UnsafePointer<Float>?
  private let output: UnsafeMutablePointer<Float>
  private let outputStride: Int

  /// The operands of a product and activations that outlive them.
  init(_ product: QuantizedProduct, _ activations: QuantizedActivations, _ kernels: CogProduct) {
    matrix = product.matrix
    panelCount = product.layout.panelCount
    self.activations = activations.view
    tokenBytes = activations.tokenBytes
    self.kernels = kernels
    bias = product.bias.map { UnsafePointer($0.pointer) }
    output = product.result.pointer
    outputStride = product.result.columns
  }

  /// Multiplies a part of the panels with some tokens, of which the first begins a tile.
  func multiply(_ task: ProductTasks.Task) {
    let firstToken = task.tokens.lowerBound
    var (matrix, activations) = (matrix, activations)
    activations.tiles += firstToken * tokenBytes
    activations.tokens = task.tokens.count
    kernels.matmul(
      &matrix, task.part * panelCount / task.partCount, (task.part + 1) * panelCount / task.partCount,
      &activations, bias, output + firstToken * outputStride, outputStride)
  }
}
