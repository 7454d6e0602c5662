import CKernels
import CogModel

extension Compute {
  /// Bytes of panels that one task multiplies with all tokens: they stay in the second-level cache while the
  /// tokens pass, a tile at a time.
  private static let panelBytesAtOnce = 1 << 18

  /// `x [tokens, columns]` times the transposed panels of each weight, which share their input, plus the
  /// bias: quantizes the tokens to 8 bits once, and shares out all products together.
  ///
  /// - Returns: `[tokens, rows]` for each weight.
  func multiplyQuantized(_ x: FloatMatrix, _ weights: [QuantizedWeight]) -> [FloatMatrix] {
    guard x.rows > 0, let first = weights.first else {
      return weights.map { FloatMatrix(uninitializedRows: x.rows, columns: $0.layout.rows) }
    }
    return multiply(quantize(x, for: first), weights)
  }

  /// The same with tokens that are quantized already.
  func multiply(_ activations: QuantizedActivations, _ weights: [QuantizedWeight]) -> [FloatMatrix] {
    let results = weights.map {
      FloatMatrix(uninitializedRows: activations.view.tokens, columns: $0.layout.rows)
    }
    let operands = weights.map { ProductOperands($0, activations) }
    let outputs = results.map(\.pointer)
    shareOut(weights, activations) { operands[$0.product].multiply($0, into: outputs[$0.product]) }
    return results
  }

  /// Shares out tasks that multiply parts of weights with the tokens.
  func shareOut(
    _ weights: [QuantizedWeight], _ activations: QuantizedActivations, _ body: (ProductTasks.Task) -> Void
  ) {
    let tokens = activations.view.tokens
    let tasks = ProductTasks(
      counts: weights.map {
        taskCount($0.layout, tokens: tokens, fewestPanels: activations.product.fewest_panels)
      }, tokens: tokens, tileTokens: activations.view.tile_tokens, threads: threads.threadCount)
    withExtendedLifetime((weights, activations)) {
      threads.parallelFor(tasks.count) { body(tasks[$0]) }
    }
  }

  /// Quantizes `x` for a weight, the tiles in parallel.
  func quantize(_ x: FloatMatrix, for weight: QuantizedWeight) -> QuantizedActivations {
    let activations = QuantizedActivations(tokens: x.rows, for: weight)
    let (layout, tileTokens) = (weight.layout, activations.view.tile_tokens)
    threads.parallelFor((x.rows + tileTokens - 1) / tileTokens) { tile in
      let first = tile * tileTokens
      let width = min(tileTokens, x.rows - first)
      activations.product.prepare(
        x.pointer + first * x.columns, x.columns, width, x.columns, layout.paddedColumns, layout.groupSize,
        activations.tiles + first * activations.tokenBytes)
    }
    return activations
  }

  /// Tasks that share out a weight's panels, about equal in size; as many for each thread, unless there are
  /// fewer panels.
  private func taskCount(_ layout: PanelLayout, tokens: Int, fewestPanels: Int) -> Int {
    // The parts of a token or two are many, so that no thread waits long for the last one.
    let most = threads.threadCount * (tokens <= 2 ? 24 : 4)
    let fitting = max(fewestPanels, Self.panelBytesAtOnce / layout.panelBytes)
    let needed = tokens <= 2 ? most : max(most, (layout.panelCount + fitting - 1) / fitting)
    let shared = (needed + threads.threadCount - 1) / threads.threadCount * threads.threadCount
    return min(shared, layout.panelCount)
  }
}
