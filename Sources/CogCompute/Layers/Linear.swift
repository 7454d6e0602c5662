import CogBase

/// `torch.nn.Linear`: `x [tokens, columns]` times the transposed weight `[rows, columns]`, plus a bias for
/// each row: `[tokens, rows]`. The sum and the bias are float32; rounds once.
///
/// In ``ComputeMode/fast`` a quantized weight meets activations quantized to 8 bits (`Formats/int4.md`), or
/// to 16 in two passes; in all other cases the weight is expanded to float32, and in bfloat16 mode rounded to
/// bfloat16.
package struct Linear: Sendable {
  /// `[rows, columns]`.
  package let weight: WeightMatrix
  /// How finely the input is rounded where it meets a quantized weight in ``ComputeMode/fast``.
  package let precision: ActivationPrecision
  let compute: Compute
  /// `[1, rows]` as the mode uses it, or nil.
  let bias: FloatMatrix?
  /// The weight as the kernels read it, where the mode quantizes activations.
  let quantized: QuantizedWeight?
  /// Told what goes in; nil where nobody asks.
  private let observer: (@Sendable (FloatMatrix) -> Void)?

  /// Whether somebody is told what goes in.
  var isObserved: Bool { observer != nil }

  /// Features that the layer takes.
  package var columns: Int { weight.columns }
  /// Features that the layer gives.
  package var rows: Int { weight.rows }

  /// A layer over a weight where it lies.
  ///
  /// - Parameters:
  ///   - bias: a value for each row of the weight, or nil.
  ///   - observer: is shown every input before it is multiplied.
  /// - Throws: ``CogError`` when the bias has another size.
  package init(
    _ weight: WeightMatrix, bias: [Float]? = nil, precision: ActivationPrecision = .eightBits,
    compute: Compute, observer: (@Sendable (FloatMatrix) -> Void)? = nil
  ) throws {
    if let bias, bias.count != weight.rows {
      throw CogError(
        "a linear layer's bias does not match its weight", expected: "\(weight.rows) values",
        found: "\(bias.count)")
    }
    self.weight = weight
    self.precision = precision
    self.compute = compute
    self.observer = observer
    self.bias = bias.map { FloatMatrix(compute.parameters($0), rows: 1, columns: $0.count) }
    quantized =
      compute.mode == .fast ? QuantizedWeight(weight, bias: self.bias, kernels: compute.kernels) : nil
  }

  /// - Parameter x: `[tokens, columns]`.
  /// - Returns: `[tokens, rows]`.
  package func callAsFunction(_ x: FloatMatrix) -> FloatMatrix {
    precondition(x.columns == columns && x.rows <= Int32.max, "an input of a linear layer fits its weight")
    observe(x)
    guard let quantized else { return compute.multiplyPlain(x, weight, bias: bias) }
    return switch precision {
    case .eightBits: compute.multiplyQuantized(x, [quantized])[0]
    case .sixteenBits: compute.multiplySixteenBits(x, quantized)
    }
  }

  /// Shows an input to who asks for it.
  func observe(_ x: FloatMatrix) { observer?(x) }

  /// The error for a layer that does not take what the layer before it gives.
  func mismatch(_ found: Int) -> CogError {
    CogError(
      "a linear layer's input does not match its weight", expected: "\(columns) columns", found: "\(found)")
  }
}

/// Linear layers that share their input. Where they can, they quantize it once and the threads share out all
/// weights together; each gives what it would give alone, to the bit.
package struct LinearGroup: Sendable {
  /// The layers, in the order of the outputs.
  package let layers: [Linear]
  private let together: [QuantizedWeight]?

  /// - Throws: ``CogError`` when the layers take inputs of different sizes.
  package init(_ layers: [Linear]) throws {
    if let first = layers.first, let other = layers.first(where: { $0.columns != first.columns }) {
      throw other.mismatch(first.columns)
    }
    self.layers = layers
    let quantized = layers.compactMap { $0.precision == .eightBits ? $0.quantized : nil }
    let shareInput = quantized.first.map { quantized.allSatisfy($0.sharesInput) } ?? false
    together = shareInput && quantized.count == layers.count ? quantized : nil
  }

  /// - Parameter x: `[tokens, columns]`.
  /// - Returns: `[tokens, rows]` for each layer.
  package func callAsFunction(_ x: FloatMatrix) -> [FloatMatrix] {
    guard let together, let first = layers.first else { return layers.map { $0(x) } }
    precondition(x.columns == first.columns && x.rows <= Int32.max, "an input of layers fits their weights")
    for layer in layers { layer.observe(x) }
    return first.compute.multiplyQuantized(x, together)
  }
}
