import CogModel

/// Groups whose scales F16 cannot hold: what was capped, and what became zeros.
struct ScaleLosses: Equatable, Codable {
  /// Groups whose weights need a scale above the largest number of F16, which they got.
  private(set) var capped = 0
  /// Groups of other weights than zeros for which the least number of F16 is too large a scale: all of their
  /// weights became 0.
  private(set) var vanished = 0
  /// Row and group of the first group that was capped.
  private(set) var firstRow = 0
  private(set) var firstGroup = 0

  /// Nothing was lost.
  init() {}

  /// Looks at the scales of a panel that was quantized.
  ///
  /// - Parameters:
  ///   - panel: the bytes of one panel.
  ///   - weights: `[rows, layout.columns]`, what it was made of.
  ///   - firstRow: which row of the tensor the panel's first one is.
  init(
    of panel: UnsafeRawBufferPointer, weights: UnsafeBufferPointer<Float>, firstRow: Int, layout: PanelLayout
  ) {
    for group in 0..<layout.groupCount {
      // Those of a panel's rows lie one after another.
      let scales = layout.scaleOffset(row: 0, group: group)
      for row in 0..<weights.count / layout.columns {
        let bits = UInt16(
          littleEndian: panel.loadUnaligned(fromByteOffset: scales + row * 2, as: UInt16.self))
        guard bits == 0 || bits == Float16.greatestFiniteMagnitude.bitPattern else { continue }
        let columns = group * layout.groupSize..<min((group + 1) * layout.groupSize, layout.columns)
        let values = weights[
          row * layout.columns + columns.lowerBound..<row * layout.columns + columns.upperBound]
        if bits == 0 {
          if values.contains(where: { $0 != 0 }) { vanished += 1 }
        } else if Self.needed(for: values, layout.codes) > Float(Float16.greatestFiniteMagnitude) {
          if capped == 0 { (self.firstRow, firstGroup) = (firstRow + row, group) }
          capped += 1
        }
      }
    }
  }

  /// Adds the losses of the next panel.
  mutating func add(_ next: ScaleLosses) {
    if capped == 0 { (firstRow, firstGroup) = (next.firstRow, next.firstGroup) }
    capped += next.capped
    vanished += next.vanished
  }

  /// All numbers in it.
  var counts: [Int] { [capped, vanished, firstRow, firstGroup] }

  /// Whether every scale fits.
  var isEmpty: Bool { capped == 0 && vanished == 0 }

  /// The scale with which the codes reach from the least to the largest weight, zero included.
  private static func needed(for weights: Slice<UnsafeBufferPointer<Float>>, _ codes: QuantizedCodes) -> Float
  {
    let low = min(0, weights.min() ?? 0), high = max(0, weights.max() ?? 0)
    return codes.hasZeroPoints
      ? high / Float(codes.range.count - 1) - low / Float(codes.range.count - 1)
      : max(high, -low) / Float(codes.range.upperBound)
  }

  /// What a person should know, one sentence each.
  ///
  /// - Parameter error: the tensor's.
  func warnings(_ name: String, _ encoding: TensorEncoding, error: StorageError) -> [String] {
    let loss = "as \(encoding.label) the tensor has a relative error of \(error.relativeRMS)."
    var list: [String] = []
    if capped > 0 {
      list.append(
        "\(name): \(capped) groups need a larger scale than F16 has and got 65504 (first: row \(firstRow), "
          + "group \(firstGroup)); \(loss)"
      )
    }
    if vanished > 0 {
      list.append(
        "\(name): \(vanished) groups need a smaller scale than F16 has and became zeros; \(loss)")
    }
    return list
  }
}
