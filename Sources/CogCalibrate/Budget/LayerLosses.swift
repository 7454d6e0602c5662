import CogBase
import CogCompute
import CogModel
import CogQuantize

/// What encodings would cost one linear layer, measured on a sample of its panels.
struct LayerLosses: Equatable, Sendable {
  /// The energy of the layer's outputs: E |W x + b|^2 for a token, without the covariance of its inputs.
  var energy: TokenMeasure
  /// For each candidate, the energy of what it changes in the outputs.
  var errors: [TokenMeasure]

  /// The errors over the energy of the outputs.
  func relativeErrors(_ candidate: Int) -> TokenMeasure { errors[candidate] / energy }
}

/// Measures ``LayerLosses``: quantizes panels as `moments` does and weighs what each weight loses with the
/// second moment of what it meets.
struct LossMeter {
  let source: ModelSource
  let calibration: Calibration
  /// What quantizes the sample.
  let method: MomentWeighted
  let candidates: [TensorEncoding]
  let context: RunContext

  /// Panels of a tensor that are looked at: one of four, all of few.
  private static let (step, fewest) = (4, 16)

  /// The panels that are looked at.
  static func sample(of panelCount: Int) -> [Int] {
    let step = max(1, min(Self.step, panelCount / fewest))
    return Array(stride(from: 0, to: panelCount, by: step))
  }

  /// Measures a layer.
  ///
  /// - Parameters:
  ///   - tensor: its weight.
  ///   - bias: its bias, where it has one.
  /// - Throws: `CogError` when the calibration has no moments of its input, or its bytes are damaged; what
  ///   the context's cancellation throws.
  func measure(_ tensor: TensorSpecification, bias: [Float]?) throws -> LayerLosses {
    guard let entry = source.tensors.entry(named: tensor.name), let type = entry.encoding.plainType else {
      throw source.tensors.missing(tensor.name)
    }
    let columns = tensor.shape.columns
    let inputs = try InputWeights(calibration.moments(of: tensor.name, columns: columns))
    let bytes = try source.tensors.wholeBytes(of: entry)
    defer { source.tensors.release(entry) }
    let roundings = try candidates.map { try Rounding($0, of: tensor, type: type, method: method) }
    let panels = Self.sample(of: (tensor.shape.rows - 1) / PanelLayout.panelRows + 1)
    var losses = LayerLosses(energy: .zero, errors: candidates.map { _ in .zero })
    var rowCount = 0
    // A few panels for each thread at a time: what they gave is added in their order.
    let batch = 4 * context.threads.threadCount
    for first in stride(from: 0, to: panels.count, by: batch) {
      try context.cancellation.check()
      let some = Array(panels[first..<min(first + batch, panels.count)])
      let parts = context.threads.results(some.count) {
        try measure(panel: some[$0], bytes, tensor, bias, inputs, roundings)
      }
      for (panel, part) in zip(some, parts) {
        let part = try part.get()
        losses.energy = losses.energy + part.energy
        losses.errors = zip(losses.errors, part.errors).map(+)
        rowCount += Self.rows(of: panel, tensor).count
      }
    }
    let scale = Double(tensor.shape.rows) / Double(max(1, rowCount))
    return LayerLosses(energy: losses.energy * scale, errors: losses.errors.map { $0 * scale })
  }

  private static func rows(of panel: Int, _ tensor: TensorSpecification) -> Range<Int> {
    let height = PanelLayout.panelRows
    return panel * height..<min((panel + 1) * height, tensor.shape.rows)
  }

  private func measure(
    panel: Int, _ bytes: OwnedBytes, _ tensor: TensorSpecification, _ bias: [Float]?, _ inputs: InputWeights,
    _ roundings: [Rounding]
  ) throws -> LayerLosses {
    let rows = Self.rows(of: panel, tensor)
    let columns = tensor.shape.columns
    let rowBytes = bytes.count / tensor.shape.rows
    return try withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * rows.count * columns) { floats in
      let weights = UnsafeMutableBufferPointer(rebasing: floats[..<(rows.count * columns)])
      let stored = UnsafeMutableBufferPointer(rebasing: floats[(rows.count * columns)...])
      try bytes.withUnsafeBytes {
        let source = $0[rows.lowerBound * rowBytes..<rows.upperBound * rowBytes]
        try context.kernels.convert(
          UnsafeRawBufferPointer(rebasing: source), of: roundings.first?.sourceType ?? .bfloat16, to: weights)
      }
      // Which weight is not finite the conversion finds, and says.
      guard weights.allSatisfy(\.isFinite) else {
        return LayerLosses(energy: .zero, errors: roundings.map { _ in .zero })
      }
      var energy = TokenMeasure.zero
      for row in rows.indices {
        let first = (row - rows.lowerBound) * columns
        energy =
          energy
          + inputs.energy(
            UnsafeBufferPointer(rebasing: weights[first..<first + columns]), bias: bias?[row] ?? 0)
      }
      let errors = try roundings.map { rounding in
        guard try rounding.round(UnsafeBufferPointer(weights), rows, context.kernels, into: stored) else {
          return TokenMeasure.zero
        }
        return inputs.error(UnsafeBufferPointer(weights), UnsafeBufferPointer(stored))
      }
      return LayerLosses(energy: energy, errors: errors)
    }
  }
}

/// What a layer's weights meet: means, second moments and variances of its input's channels.
private struct InputWeights {
  private let image: Moments
  private let text: Moments

  private struct Moments {
    var means: [Double]
    var squares: [Double]

    init(_ moments: ChannelMoments?, columns: Int) {
      means = (0..<columns).map { moments?.mean($0) ?? 0 }
      squares = (0..<columns).map { moments?.secondMoment($0) ?? 0 }
    }

    /// (w mu + b)^2 + sum of w^2 var, for one row.
    func energy(_ weights: UnsafeBufferPointer<Float>, bias: Double) -> Double {
      var (product, spread) = (bias, 0.0)
      for column in weights.indices {
        let weight = Double(weights[column])
        product += weight * means[column]
        spread += weight * weight * max(0, squares[column] - means[column] * means[column])
      }
      return product * product + spread
    }

    /// Sum of m (a - b)^2 over rows.
    func error(_ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>) -> Double {
      var sum = 0.0
      let columns = squares.count
      for first in stride(from: 0, to: a.count, by: columns) {
        for column in 0..<columns {
          let difference = Double(a[first + column]) - Double(b[first + column])
          sum += difference * difference * squares[column]
        }
      }
      return sum
    }
  }

  init(_ moments: InputMoments) {
    image = Moments(moments.image, columns: moments.columns)
    text = Moments(moments.text, columns: moments.columns)
  }

  func energy(_ weights: UnsafeBufferPointer<Float>, bias: Float) -> TokenMeasure {
    TokenMeasure(
      image: image.energy(weights, bias: Double(bias)), text: text.energy(weights, bias: Double(bias)))
  }

  func error(_ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>) -> TokenMeasure {
    TokenMeasure(image: image.error(a, b), text: text.error(a, b))
  }
}

/// One candidate of one tensor.
private struct Rounding {
  let sourceType: ElementType
  private let encoding: TensorEncoding
  private let quantized: (layout: PanelLayout, quantizer: any PanelQuantizer)?

  init(
    _ encoding: TensorEncoding, of tensor: TensorSpecification, type: ElementType, method: MomentWeighted
  ) throws {
    (self.encoding, sourceType) = (encoding, type)
    guard encoding.isQuantized else {
      quantized = nil
      return
    }
    let slot = try TensorSlot(
      name: tensor.name, shape: tensor.shape, encoding: encoding, sourceType: type)
    quantized = (
      try PanelLayout(encoding: encoding, shape: tensor.shape), try method.quantizer(for: slot)
    )
  }

  /// Writes what the candidate makes of some rows of a panel.
  ///
  /// - Returns: whether it changes anything.
  func round(
    _ weights: UnsafeBufferPointer<Float>, _ rows: Range<Int>, _ kernels: KernelSet,
    into stored: UnsafeMutableBufferPointer<Float>
  ) throws -> Bool {
    guard let (layout, quantizer) = quantized else {
      guard let type = encoding.plainType, type != sourceType, let width = type.byteWidth else {
        return false
      }
      try withUnsafeTemporaryAllocation(byteCount: weights.count * width, alignment: 64) { bytes in
        try kernels.convert(weights, to: type, into: bytes)
        try kernels.convert(UnsafeRawBufferPointer(bytes), of: type, to: stored)
      }
      return true
    }
    let one = try PanelLayout(encoding: encoding, rows: rows.count, columns: layout.columns)
    try withUnsafeTemporaryAllocation(byteCount: layout.panelBytes, alignment: 64) { panel in
      _ = try quantizer.quantize(
        weights, firstRow: rows.lowerBound, layout: layout, kernels: kernels, into: panel)
      try kernels.dequantize(UnsafeRawBufferPointer(panel), layout: one, rows: 0..<rows.count, into: stored)
    }
    return true
  }
}
