import CogBase
import CogCompute
import CogModel

/// What storing plain elements in another type did to them.
struct PlainOutcome {
  /// Values that are NaN or infinite in the source, and the index of the first.
  var nonFinite = 0
  var firstNonFinite: Int?
  /// Finite values that became infinite, and the index of the first.
  var overflowed = 0
  var firstOverflow: Int?
  /// Values other than 0 that became 0.
  var vanished = 0
  /// Sums over the finite values of the source.
  var squaredError = 0.0
  var squares = 0.0

  /// Adds what happened to elements that start at `offset`.
  mutating func add(_ other: PlainOutcome, at offset: Int) {
    nonFinite += other.nonFinite
    firstNonFinite = firstNonFinite ?? other.firstNonFinite.map { $0 + offset }
    overflowed += other.overflowed
    firstOverflow = firstOverflow ?? other.firstOverflow.map { $0 + offset }
    vanished += other.vanished
    squaredError += other.squaredError
    squares += other.squares
  }
}

extension BlockEncoder {
  /// Stores elements in a floating-point type; in their own type to the bit.
  ///
  /// F64 goes to the narrower types by way of float32, as PyTorch does.
  ///
  /// - Parameter inspect: as that of ``encode(_:as:inspect:emit:)``.
  func convert(
    _ tensor: SourceTensor, of sourceType: ElementType, to type: ElementType,
    inspect: (PlainOutcome) throws -> Void, emit: Emit
  ) throws -> EncodedTensor {
    guard let sourceWidth = sourceType.byteWidth, let width = type.byteWidth else {
      throw CogError(
        "elements cannot be converted", found: "\(sourceType.rawValue) to \(type.rawValue)")
    }
    let count = tensor.bytes.count / sourceWidth
    let isSame = type == sourceType
    let blockElements = min(Self.chunkElements * Self.chunksPerBlock, max(count, 1))
    var total = PlainOutcome()
    var checksum = SourceChecksum()
    var zeroRuns = ZeroRuns()
    for first in stride(from: 0, to: count, by: blockElements) {
      try context.cancellation.check()
      let elements = min(blockElements, count - first)
      let sourceRange = first * sourceWidth..<(first + elements) * sourceWidth
      let source = UnsafeRawBufferPointer(rebasing: tensor.bytes.unpinned[sourceRange])
      let buffer = isSame ? nil : buffers.take(elements * width)
      let results = context.threads.results((elements - 1) / Self.chunkElements + 1) { index in
        let start = index * Self.chunkElements
        let end = min(start + Self.chunkElements, elements)
        let chunk = UnsafeRawBufferPointer(rebasing: source[start * sourceWidth..<end * sourceWidth])
        let (nonFinite, firstNonFinite) = NonFinite.count(in: chunk, of: sourceType)
        var outcome = PlainOutcome(nonFinite: nonFinite, firstNonFinite: firstNonFinite)
        if let buffer {
          let target = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[start * width..<end * width])
          try convertChunk(chunk, of: sourceType, to: type, into: target, outcome: &outcome)
        }
        return (outcome, SourceChecksum.ofPiece(chunk), ZeroRuns(of: chunk))
      }
      for (index, result) in results.enumerated() {
        let (outcome, piece, zeros) = try result.get()
        total.add(outcome, at: first + index * Self.chunkElements)
        checksum.add(piece)
        zeroRuns.add(zeros)
      }
      try inspect(total)
      try emit(
        buffer.map { FinishedBlock($0, count: elements * width, sourceRange: sourceRange) }
          ?? FinishedBlock(tensor.bytes[sourceRange], sourceRange: sourceRange))
    }
    let error = isSame ? .none : StorageError(squaredError: total.squaredError, squares: total.squares)
    return EncodedTensor(error: error, outcome: total, sourceChecksum: checksum, zeroRuns: zeroRuns)
  }

  private func convertChunk(
    _ chunk: UnsafeRawBufferPointer, of sourceType: ElementType, to type: ElementType,
    into target: UnsafeMutableRawBufferPointer, outcome: inout PlainOutcome
  ) throws {
    let count = chunk.count / (sourceType.byteWidth ?? 1)
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * count) { floats in
      let values = UnsafeMutableBufferPointer(rebasing: floats[..<count])
      let stored = UnsafeMutableBufferPointer(rebasing: floats[count...])
      try context.kernels.convert(chunk, of: sourceType, to: values)
      try context.kernels.convert(UnsafeBufferPointer(values), to: type, into: target)
      try context.kernels.convert(UnsafeRawBufferPointer(target), of: type, to: stored)
      if sourceType == .float64 {
        measure(count, stored, &outcome) { index in
          let bits = chunk.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)
          return Double(bitPattern: UInt64(littleEndian: bits))
        }
      } else {
        measure(count, stored, &outcome) { Double(values[$0]) }
      }
    }
  }

  @inline(__always)
  func measure(
    _ count: Int, _ stored: UnsafeMutableBufferPointer<Float>, _ outcome: inout PlainOutcome,
    _ value: (Int) -> Double
  ) {
    for index in 0..<count {
      let original = value(index)
      guard original.isFinite else { continue }
      let difference = original - Double(stored[index])
      outcome.squaredError += difference * difference
      outcome.squares += original * original
      if stored[index].isInfinite {
        outcome.overflowed += 1
        outcome.firstOverflow = outcome.firstOverflow ?? index
      } else if stored[index] == 0 && original != 0 {
        outcome.vanished += 1
      }
    }
  }
}
