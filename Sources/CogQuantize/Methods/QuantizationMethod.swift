import CogBase
package import CogCompute
package import CogModel

/// A way to find the codes, scales and zero points of quantized weights.
///
/// Every method writes the same layout (`Formats/int4.md`), so the encoding does not say which one was at
/// work; the metadata does. The methods that there are come as a list to those who let a person choose
/// (``QuantizationMethods``), so that one may live in a target above this one.
package protocol QuantizationMethod: Sendable {
  /// The name that `--method` takes, such as `least-squares`.
  var name: String { get }
  /// What the metadata of a file says (`recipe.method` in `Formats/native.md`): the same text for the same
  /// bytes.
  var record: String { get }
  /// What to know about it, in a few words, for `--help`.
  var summary: String { get }
  /// Prepares for one tensor: a method that needs statistics of what goes into it finds them by its name
  /// here.
  ///
  /// - Throws: ``CogError`` when what it needs is not there.
  func quantizer(for slot: TensorSlot) throws -> any PanelQuantizer
}

/// Quantizes the panels of one tensor. Many threads call it at a time.
package protocol PanelQuantizer: Sendable {
  /// Quantizes the up to 16 rows of one panel.
  ///
  /// - Parameters:
  ///   - weights: `[rows, layout.columns]`, row after row; they may be NaN or infinite.
  ///   - firstRow: which row of the tensor the first one is.
  ///   - layout: the layout of the whole tensor.
  ///   - kernels: what to compute with.
  ///   - panel: room for `layout.panelBytes` bytes; every one is written.
  /// - Returns: what was lost, summed up over the panel.
  /// - Throws: ``CogError`` with ``CogError/Code/notFinite`` when a weight is NaN or infinite.
  func quantize(
    _ weights: UnsafeBufferPointer<Float>, firstRow: Int, layout: PanelLayout, kernels: KernelSet,
    into panel: UnsafeMutableRawBufferPointer
  ) throws -> PanelError
}

/// The methods that need nothing but the weights, and the look-up of methods by name.
package enum QuantizationMethods {
  /// In the order in which help lists them; the first one is the default.
  package static let builtIn: [any QuantizationMethod] = [LeastSquares(), AbsMax()]

  /// The method with a name.
  ///
  /// - Parameter methods: those to choose from.
  /// - Throws: ``CogError`` that lists them when none has it.
  package static func named(
    _ name: String, among methods: [any QuantizationMethod] = builtIn
  ) throws -> any QuantizationMethod {
    if let method = methods.first(where: { $0.name == name }) { return method }
    throw CogError(
      "there is no such method", subject: "--method",
      expected: methods.map(\.name).joined(separator: " or "), found: "\"\(name)\"")
  }
}

/// A quantizer that leaves the choice of scales to the kernels, group by group.
struct KernelQuantizer: PanelQuantizer {
  /// How they choose.
  let choice: ScaleChoice

  func quantize(
    _ weights: UnsafeBufferPointer<Float>, firstRow: Int, layout: PanelLayout, kernels: KernelSet,
    into panel: UnsafeMutableRawBufferPointer
  ) throws -> PanelError {
    try kernels.quantize(weights, layout: layout, choosing: choice, into: panel)
  }
}
