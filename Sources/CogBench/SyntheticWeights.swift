import CogBase
import CogCompute
import CogModel
import CogNative
import Glibc

/// Random weights of one tensor in the layout that files have, block by block.
///
/// Every panel and every chunk has a random stream of its own: no two layers share bytes, and the result does
/// not depend on the number of threads. The scales are such that a matrix keeps the size of its input about
/// the same, so that activations stay in the range of a trained model's.
struct SyntheticWeights {
  let context: RunContext

  /// Takes the bytes of a finished block.
  typealias Emit = (UnsafeRawBufferPointer) throws -> Void

  /// Bytes that are in memory at a time, about.
  private static let blockBytes = 16 << 20
  /// Elements of a plain tensor that one thread makes at a time.
  private static let chunkElements = 1 << 14

  /// Makes all bytes of a tensor, in order.
  ///
  /// - Parameter seed: another one for each tensor.
  /// - Throws: ``CogError`` when a quantized shape is not whole panels; what the context's cancellation and
  ///   `emit` throw.
  func generate(
    _ tensor: TensorSpecification, encoding: TensorEncoding, seed: UInt64, emit: Emit
  ) throws {
    if let type = encoding.plainType {
      try generatePlain(tensor, type: type, seed: seed, emit: emit)
    } else {
      try generatePanels(PanelLayout(encoding: encoding, shape: tensor.shape), seed: seed, emit: emit)
    }
  }
}

// MARK: Quantized tensors

extension SyntheticWeights {
  private func generatePanels(_ layout: PanelLayout, seed: UInt64, emit: Emit) throws {
    guard layout.rows % PanelLayout.panelRows == 0, layout.columns % 8 == 0 else {
      throw CogError(
        "synthetic weights come in whole panels", expected: "a multiple of 16 rows and of 8 columns",
        found: "[\(layout.rows), \(layout.columns)]")
    }
    let panelsAtOnce = min(layout.panelCount, max(1, Self.blockBytes / layout.panelBytes))
    let block = UnsafeMutableRawBufferPointer.allocate(
      byteCount: panelsAtOnce * layout.panelBytes, alignment: PanelLayout.lineBytes)
    defer { block.deallocate() }
    for first in stride(from: 0, to: layout.panelCount, by: panelsAtOnce) {
      try context.cancellation.check()
      let count = min(panelsAtOnce, layout.panelCount - first)
      context.threads.parallelFor(count) { index in
        let bytes = block[index * layout.panelBytes..<(index + 1) * layout.panelBytes]
        var random = SplitMix64(seed: seed, stream: first + index)
        Self.fillPanel(UnsafeMutableRawBufferPointer(rebasing: bytes), layout, &random)
      }
      try emit(UnsafeRawBufferPointer(rebasing: block[..<(count * layout.panelBytes)]))
    }
  }

  /// Fills one panel of `Formats/int4.md`: F16 scales, zero points near the middle (where the family has
  /// them), random weights.
  private static func fillPanel(
    _ panel: UnsafeMutableRawBufferPointer, _ layout: PanelLayout, _ random: inout SplitMix64
  ) {
    let codes = layout.codes
    // Where a family lacks the lowest pattern (-128 of int8), only odd weights are drawn, which never are it.
    let step = codes.range.count < 1 << codes.bits ? 2 : 1
    let always: UInt64 = step == 1 ? 0 : 0x0101_0101_0101_0101
    // Standard deviation of a uniform weight: 0 to 15, or the odd numbers from -127 to 127.
    let count = Float(1 << codes.bits / step)
    let deviation = Float(step) * ((count * count - 1) / 12).squareRoot()
    let scale = 1 / (deviation * Float(layout.columns).squareRoot())
    let words = panel.bindMemory(to: UInt64.self)
    for index in words.indices { words[index] = random.next() | always }
    for start in stride(from: 0, to: layout.panelBytes, by: layout.blockBytes) {
      panel[start..<start + layout.headerBytes].initializeMemory(as: UInt8.self, repeating: 0)
    }
    for group in 0..<layout.groupCount {
      for row in 0..<PanelLayout.panelRows {
        let half = Float16(scale * (0.75 + 0.5 * random.nextUnitFloat()))
        panel.storeBytes(
          of: half.bitPattern.littleEndian, toByteOffset: layout.scaleOffset(row: row, group: group),
          as: UInt16.self)
        guard codes.hasZeroPoints else { continue }
        let middle = UInt8(clamping: (codes.range.lowerBound + codes.range.upperBound) / 2)
        panel[layout.zeroOffset(row: row, group: group)] = random.next() & 1 == 0 ? middle : middle + 1
      }
    }
  }
}

// MARK: Plain tensors

extension SyntheticWeights {
  private func generatePlain(
    _ tensor: TensorSpecification, type: ElementType, seed: UInt64, emit: Emit
  ) throws {
    if let values = Self.fixedValues(tensor) { return try emitPlain(values, type: type, emit: emit) }
    // A bias or another vector adds to numbers of about 1.
    let size = tensor.shape.rank == 1 ? 0.1 : 1.7 / Float(max(1, tensor.shape.columns)).squareRoot()
    let count = tensor.shape.elementCount
    let chunksAtOnce = Self.blockBytes / (4 * Self.chunkElements)
    let blockElements = min(count, chunksAtOnce * Self.chunkElements)
    var values = [Float](repeating: 0, count: blockElements)
    for first in stride(from: 0, to: count, by: max(1, blockElements)) {
      try context.cancellation.check()
      let block = min(blockElements, count - first)
      values.withUnsafeMutableBufferPointer { values in
        // Each chunk is written by one thread.
        nonisolated(unsafe) let values = values
        context.threads.parallelFor((block + Self.chunkElements - 1) / Self.chunkElements) { chunk in
          let start = chunk * Self.chunkElements
          var random = SplitMix64(seed: seed, stream: (first + start) / Self.chunkElements)
          for index in start..<min(block, start + Self.chunkElements) {
            values[index] = size * (2 * random.nextUnitFloat() - 1)
          }
        }
      }
      try emitPlain(Array(values[..<block]), type: type, emit: emit)
    }
  }

  /// Values that a model must have for its numbers to stay in range: norms of 1, rotary frequencies.
  private static func fixedValues(_ tensor: TensorSpecification) -> [Float]? {
    switch tensor.role {
    case .inputNorm, .postAttentionNorm, .finalNorm, .visionAttentionNorm, .visionMLPNorm, .adapterNorm:
      return Array(repeating: 1, count: tensor.shape.elementCount)
    case .rotaryFrequencies:
      let count = tensor.shape.elementCount
      return (0..<count).map { Float(pow(500_000, -Double($0) / Double(count))) }
    default: return nil
    }
  }

  private func emitPlain(_ values: [Float], type: ElementType, emit: Emit) throws {
    let byteCount = try Shape([values.count]).byteCount(of: type)
    var bytes = [UInt8](repeating: 0, count: byteCount)
    try values.withUnsafeBufferPointer { values in
      try bytes.withUnsafeMutableBytes { try context.kernels.convert(values, to: type, into: $0) }
    }
    try bytes.withUnsafeBytes { try emit($0) }
  }
}
