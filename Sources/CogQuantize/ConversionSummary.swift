package import CogBase
package import CogModel

/// What a conversion wrote and what it lost.
package struct ConversionSummary: Codable, Equatable, Sendable {
  /// One tensor of the new file.
  package struct Tensor: Codable, Equatable, Sendable {
    /// Its name.
    package let name: String
    /// The part of the model that it belongs to.
    package let part: ModelPart
    /// Its shape.
    package let shape: Shape
    /// Its element type in the source.
    package let sourceType: ElementType
    /// Its encoding.
    package let encoding: TensorEncoding
    /// Whether that encoding rounds weights to a few bits.
    package let isQuantized: Bool
    /// Bytes in the new file.
    package let bytes: Int
    /// Bytes that it takes in BF16.
    package let bfloat16Bytes: Int
    /// What the encoding lost.
    package let error: StorageError
    /// Finite values that became infinite.
    package let overflowed: Int
    /// Values other than 0 that became 0; not counted where weights are quantized.
    package let vanished: Int
    /// Values that are NaN or infinite in the source.
    package let nonFinite: Int
    /// Sentences about zeros where weights should be, about scales that do not fit, and about finite values
    /// that keep a matrix from being quantized.
    private(set) var zeroWarning: String?
    private(set) var rangeWarning: String?
    private(set) var scaleWarnings: [String] = []

    private enum CodingKeys: String, CodingKey {
      case name, part, shape, sourceType, encoding, isQuantized, bytes, bfloat16Bytes, error, overflowed
      case vanished, nonFinite
    }

    /// - Parameters:
    ///   - slot: how the tensor was stored.
    ///   - planned: how it was to be.
    ///   - zeros: what is known about zeros where weights should be.
    init(_ slot: TensorSlot, of planned: PlannedTensor, _ encoded: EncodedTensor, zeros: ZeroFindings) throws
    {
      name = slot.name
      part = planned.specification.part
      shape = slot.shape
      sourceType = slot.sourceType
      encoding = slot.encoding
      isQuantized = slot.encoding.isQuantized
      bytes = slot.byteCount
      bfloat16Bytes = try slot.shape.byteCount(of: .bfloat16)
      error = encoded.error
      overflowed = encoded.outcome.overflowed
      vanished = encoded.outcome.vanished
      nonFinite = encoded.outcome.nonFinite
      zeroWarning = zeros.text(in: planned.entry).map { "\(slot.name): \($0)." }
      if planned.slot.encoding.isQuantized, !slot.encoding.isQuantized, nonFinite == 0 {
        rangeWarning =
          "\(slot.name): values are beyond float32 and the matrix is kept as \(slot.encoding.label)."
      }
      scaleWarnings = encoded.scaleLosses.warnings(slot.name, slot.encoding, error: encoded.error)
    }
  }

  /// The tensors of one part of the model together.
  package struct Part: Codable, Equatable, Sendable {
    /// The part.
    package let part: ModelPart
    /// Elements.
    package let weights: Int
    /// Bytes in the new file.
    package let bytes: Int
    /// Bits for each weight, scales and padding included.
    package let bitsPerWeight: Double
  }

  /// All tensors in the order of the file.
  package let tensors: [Tensor]
  /// The parts of the model.
  package let parts: [Part]
  /// Bytes of the new file.
  package let fileBytes: Int
  /// Bytes of the tensors in the source.
  package let sourceBytes: Int
  /// Bits for each weight over all tensors.
  package let bitsPerWeight: Double
  /// Bytes of the quantized tensors over the bytes that they take in BF16, or nil when there are none.
  package let quantizedRatio: Double?
  /// The same for the int4 tensors alone, or nil when there are none.
  package let int4Ratio: Double?
  /// Bytes of the file over the bytes that all tensors take in BF16.
  package let fileRatio: Double
  /// Whole seconds and their fraction from start to end.
  package let seconds: Double
  /// What the user should know, one sentence each.
  package let warnings: [String]
  /// What the encodings of the linear layers were chosen by; nil where a person has said them.
  package let budget: EncodingBudget?

  /// - Parameters:
  ///   - leftOut: tensors of the source that the model does not have.
  ///   - remarks: what the method says, one sentence each.
  init(
    tensors: [Tensor], fileBytes: Int, sourceBytes: Int, seconds: Double, leftOut: [String] = [],
    remarks: [String] = [], budget: EncodingBudget? = nil
  ) {
    func ratio(_ part: Int, _ whole: Int) -> Double { Double(part) / Double(max(whole, 1)) }
    func bitsPerWeight(_ list: [Tensor]) -> Double {
      ratio(list.reduce(0) { $0 + $1.bytes }, list.reduce(0) { $0 + $1.shape.elementCount }) * 8
    }
    self.tensors = tensors
    self.fileBytes = fileBytes
    self.sourceBytes = sourceBytes
    self.seconds = seconds
    self.budget = budget
    self.bitsPerWeight = bitsPerWeight(tensors)
    parts = ModelPart.allCases.compactMap { part in
      let list = tensors.filter { $0.part == part }
      guard !list.isEmpty else { return nil }
      return Part(
        part: part, weights: list.reduce(0) { $0 + $1.shape.elementCount },
        bytes: list.reduce(0) { $0 + $1.bytes },
        bitsPerWeight: bitsPerWeight(list))
    }
    func shareOfBFloat16(_ list: [Tensor]) -> Double? {
      list.isEmpty
        ? nil : ratio(list.reduce(0) { $0 + $1.bytes }, list.reduce(0) { $0 + $1.bfloat16Bytes })
    }
    quantizedRatio = shareOfBFloat16(tensors.filter(\.isQuantized))
    int4Ratio = shareOfBFloat16(tensors.filter { $0.encoding.family == .int4 })
    fileRatio = ratio(fileBytes, tensors.reduce(0) { $0 + $1.bfloat16Bytes })
    warnings =
      tensors.flatMap(Self.warnings) + Self.warningOfVanished(tensors) + Self.warning(ofLeftOut: leftOut)
      + remarks
  }

  private static func warning(ofLeftOut names: [String]) -> [String] {
    guard !names.isEmpty else { return [] }
    let shown = names.prefix(3).joined(separator: ", ")
    let more = names.count > 3 ? " and \(names.count - 3) more" : ""
    return ["\(names.count) tensors that the model does not have were left out: \(shown)\(more)."]
  }

  private static func warnings(_ tensor: Tensor) -> [String] {
    var list = [tensor.zeroWarning, tensor.rangeWarning].compactMap { $0 } + tensor.scaleWarnings
    if tensor.nonFinite > 0 {
      list.append(
        "\(tensor.name): \(tensor.nonFinite) values are NaN or infinite "
          + "and are kept as \(tensor.encoding.label)."
      )
    }
    if tensor.overflowed > 0 {
      list.append("\(tensor.name): \(tensor.overflowed) values became infinite as \(tensor.encoding.label).")
    }
    return list
  }

  /// One sentence for all tensors: small weights become 0 in most of them when BF16 is stored as F16.
  private static func warningOfVanished(_ tensors: [Tensor]) -> [String] {
    let list = tensors.filter { $0.vanished > 0 }
    guard !list.isEmpty else { return [] }
    return ["\(list.reduce(0) { $0 + $1.vanished }) small values in \(list.count) tensors became 0."]
  }
}
