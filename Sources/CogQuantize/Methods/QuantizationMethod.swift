import CogBase
package import CogCompute
package import CogModel

/// A way to find the codes, scales and zero points of quantized weights.
///
/// Every method writes the same layout (`Formats/int4.md`), so the encoding does not say which one was at
/// work; the metadata does. The methods that there are come as a list to those who let a person choose
/// (``QuantizationMethods``), so that one may live in a target above this one.
package protocol QuantizationMethod: Sendable {
  /// What the metadata of a file says (`recipe.method` in `Formats/native.md`): the same text for the same
  /// bytes.
  var record: String { get }
  /// What the metadata of a file says that the method was given beside the weights
  /// (`recipe.calibration`), each under its name; nil where that is nothing. Like ``record``, it decides
  /// about the bytes.
  var calibration: [String: String]? { get }
  /// What a person should know about the work so far, one sentence each.
  var remarks: [String] { get }
  /// Prepares for one tensor: a method that needs statistics of what goes into it finds them by its name
  /// here.
  ///
  /// - Throws: ``CogError`` when what it needs is not there.
  func quantizer(for slot: TensorSlot) throws -> any PanelQuantizer
  /// The order in which the method has what it needs for each tensor, as places in `slots`, each once; nil
  /// where it makes no difference, and tensors are read in the order of the files.
  func order(of slots: [TensorSlot]) -> [Int]?
  /// Called when no more tensors will be quantized.
  ///
  /// - Parameter keepingWork: whether the work will go on later, with what the method has kept on the disk.
  func end(keepingWork: Bool)
}

extension QuantizationMethod {
  package var calibration: [String: String]? { nil }
  package var remarks: [String] { [] }
  package func order(of slots: [TensorSlot]) -> [Int]? { nil }
  package func end(keepingWork: Bool) {}
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

/// A method that a person can choose, and what it is made of.
package struct QuantizationOffer<Given>: Sendable {
  /// The name that `--method` takes, such as `least-squares`.
  package let name: String
  /// What to know about it, in a few words, for `--help`.
  package let summary: String
  /// Makes the method of what a person has given. - Throws: ``CogError`` when that is not enough.
  package let make: @Sendable (Given) throws -> any QuantizationMethod

  /// An offer.
  package init(
    _ name: String, _ summary: String, make: @escaping @Sendable (Given) throws -> any QuantizationMethod
  ) {
    (self.name, self.summary, self.make) = (name, summary, make)
  }
}

/// The methods that need nothing but the weights, and the look-up of methods by name.
package enum QuantizationMethods {
  /// In the order in which help lists them; the first one is the default.
  package static func builtIn<Given>() -> [QuantizationOffer<Given>] {
    [
      QuantizationOffer("least-squares", "the least squared error of each group") { _ in LeastSquares() },
      QuantizationOffer("absmax", "plain rounding in the range of each group") { _ in AbsMax() },
    ]
  }

  /// The offer of a name.
  ///
  /// - Parameter offers: those to choose from.
  /// - Throws: ``CogError`` that lists them when none has it.
  package static func named<Given>(
    _ name: String, among offers: [QuantizationOffer<Given>]
  ) throws -> QuantizationOffer<Given> {
    if let offer = offers.first(where: { $0.name == name }) { return offer }
    throw CogError(
      "there is no such method", subject: "--method",
      expected: offers.map(\.name).joined(separator: " or "), found: "\"\(name)\"")
  }
}

/// A quantizer that leaves the choice of scales to the kernels, group by group.
package struct KernelQuantizer: PanelQuantizer {
  private let choice: ScaleChoice
  private let importance: [Float]?

  /// - Parameters:
  ///   - choice: how they choose.
  ///   - importance: how much the squared errors of each column count, finite and not negative; nil: alike.
  package init(choice: ScaleChoice, importance: [Float]? = nil) {
    (self.choice, self.importance) = (choice, importance)
  }

  package func quantize(
    _ weights: UnsafeBufferPointer<Float>, firstRow: Int, layout: PanelLayout, kernels: KernelSet,
    into panel: UnsafeMutableRawBufferPointer
  ) throws -> PanelError {
    try kernels.quantize(
      weights, layout: layout, choosing: choice, importance: importance, into: panel)
  }
}
