import CogBase
import CogCompute
import CogModel

extension SplitMix64 {
  /// About normal: the sum of 12 uniform numbers.
  mutating func normal() -> Float {
    (0..<12).reduce(Float(-6)) { sum, _ in sum + Float.random(in: 0..<1, using: &self) }
  }

  mutating func normals(_ count: Int, scale: Float = 1) -> [Float] {
    (0..<count).map { _ in normal() * scale }
  }
}

/// Bytes on the heap that a weight can point into, `offset` bytes past a 64-byte boundary.
final class ByteBlock {
  let bytes: UnsafeMutableRawBufferPointer
  private let memory: UnsafeMutableRawBufferPointer

  init(count: Int, offset: Int = 0) {
    memory = .allocate(byteCount: count + offset, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0xAA)
    bytes = UnsafeMutableRawBufferPointer(rebasing: memory[offset...])
  }

  convenience init(_ contents: [UInt8], offset: Int = 0) {
    self.init(count: contents.count, offset: offset)
    bytes.copyBytes(from: contents)
  }

  deinit { memory.deallocate() }
}

/// BF16 rounding half to even, through the bits.
func roundedToBFloat16(_ value: Float) -> Float {
  guard !value.isNaN else { return value }
  let bits = value.bitPattern
  let below = Float(bitPattern: bits & 0xFFFF_0000)
  let rest = bits & 0xFFFF
  let isOdd = bits & 0x10000 != 0
  return rest > 0x8000 || (rest == 0x8000 && isOdd)
    ? Float(bitPattern: (bits & 0xFFFF_0000) &+ 0x10000) : below
}

/// `|a - b| / |b|` over all elements.
func relativeL2(_ a: [Float], _ b: [Double]) -> Double {
  let difference = zip(a, b).reduce(0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
  let norm = b.reduce(0) { $0 + $1 * $1 }
  return norm > 0 ? (difference / norm).squareRoot() : difference.squareRoot()
}

/// `x [tokens, columns]` times the transposed `w [rows, columns]`, in double.
func product(_ x: [Float], _ w: [Float], tokens: Int, rows: Int, columns: Int) -> [Double] {
  (0..<tokens * rows).map { index in
    let token = index / rows
    let row = index % rows
    return (0..<columns).reduce(0) { $0 + Double(x[token * columns + $1]) * Double(w[row * columns + $1]) }
  }
}

/// A weight of plain elements of `type` holding `values`, which the type can represent.
func plainWeight(_ values: [Float], type: ElementType, rows: Int, columns: Int, offset: Int = 0) throws
  -> WeightMatrix
{
  let width = type.bitWidth / 8
  let block = ByteBlock(count: values.count * width, offset: offset)
  for (index, value) in values.enumerated() {
    let at = index * width
    switch type {
    case .bfloat16:
      block.bytes.storeBytes(of: UInt16(value.bitPattern >> 16), toByteOffset: at, as: UInt16.self)
    case .float64: block.bytes.storeBytes(of: Double(value), toByteOffset: at, as: Double.self)
    case .float16: block.bytes.storeBytes(of: Float16(value).bitPattern, toByteOffset: at, as: UInt16.self)
    default: block.bytes.storeBytes(of: value, toByteOffset: at, as: Float.self)
    }
  }
  return try WeightMatrix(
    encoding: .plain(type), rows: rows, columns: columns,
    bytes: OwnedBytes(UnsafeRawBufferPointer(block.bytes), owner: block))
}
