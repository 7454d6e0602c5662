import CogModel
import CogBase
import CogCompute

/// A quantized matrix in plain Swift, and its bytes as `Formats/int4.md` puts them, worked out here from the
/// text of that page and not with the package's `PanelLayout`.
struct PanelTwin {
  let rows: Int
  let columns: Int
  let groupSize: Int
  let isInt4: Bool
  /// `[rows][groups]`.
  var scales: [[Float16]]
  /// `[rows][groups]`.
  var zeros: [[Int]]
  /// `[rows][columns]`.
  var quanta: [[Int]]

  var paddedColumns: Int { (columns + 7) / 8 * 8 }
  var groups: Int { (paddedColumns + groupSize - 1) / groupSize }
  var panels: Int { (rows + 15) / 16 }
  var blocks: Int { (groups + 3) / 4 }
  var header: Int { isInt4 ? 192 : 128 }
  var blockBytes: Int { header + 64 * (4 * groupSize / (isInt4 ? 8 : 4)) }
  var panelBytes: Int { blocks * header + 64 * (paddedColumns / (isInt4 ? 8 : 4)) }
  var encoding: TensorEncoding { isInt4 ? .int4(groupSize: groupSize) : .int8(groupSize: groupSize) }

  /// Random scales, zero points and quanta over their whole ranges.
  init(rows: Int, columns: Int, groupSize: Int, isInt4: Bool, random: inout SplitMix64) {
    self.rows = rows
    self.columns = columns
    self.groupSize = groupSize
    self.isInt4 = isInt4
    let groups = ((columns + 7) / 8 * 8 + groupSize - 1) / groupSize
    scales = []
    zeros = []
    quanta = []
    for _ in 0..<rows {
      scales.append((0..<groups).map { _ in Float16(Float.random(in: 0.001..<0.1, using: &random)) })
      zeros.append((0..<groups).map { _ in isInt4 ? Int.random(in: 0...15, using: &random) : 0 })
      quanta.append(
        (0..<columns).map { _ in
          isInt4 ? Int.random(in: 0...15, using: &random) : Int.random(in: -127...127, using: &random)
        })
    }
  }

  /// Reads the bytes of a quantized matrix.
  init(reading bytes: UnsafeRawBufferPointer, rows: Int, columns: Int, groupSize: Int, isInt4: Bool) {
    var random = SplitMix64(seed: 0)
    self.init(rows: rows, columns: columns, groupSize: groupSize, isInt4: isInt4, random: &random)
    for row in 0..<rows {
      for group in 0..<groups {
        let bits = bytes.loadUnaligned(fromByteOffset: scaleOffset(row, group), as: UInt16.self)
        scales[row][group] = Float16(bitPattern: bits)
        zeros[row][group] = isInt4 ? Int(bytes[zeroOffset(row, group)]) : 0
      }
      for column in 0..<columns {
        let byte = bytes[byteOffset(row, column)]
        quanta[row][column] =
          !isInt4 ? Int(Int8(bitPattern: byte)) : column % 8 < 4 ? Int(byte & 15) : Int(byte >> 4)
      }
    }
  }

  func byteOffset(_ row: Int, _ column: Int) -> Int {
    let inBlock = column % (4 * groupSize)
    let line = isInt4 ? inBlock / 8 : inBlock / 4
    return blockOffset(row, column / groupSize) + header + 64 * line + 4 * (row % 16) + column % 4
  }

  private func blockOffset(_ row: Int, _ group: Int) -> Int { row / 16 * panelBytes + group / 4 * blockBytes }

  private func scaleOffset(_ row: Int, _ group: Int) -> Int {
    blockOffset(row, group) + (group % 4 * 16 + row % 16) * 2
  }

  private func zeroOffset(_ row: Int, _ group: Int) -> Int {
    blockOffset(row, group) + 128 + group % 4 * 16 + row % 16
  }

  /// The bytes of the tensor.
  var bytes: [UInt8] {
    var result = [UInt8](repeating: 0, count: panels * panelBytes)
    for row in 0..<rows {
      for group in 0..<groups {
        let bits = scales[row][group].bitPattern
        let at = scaleOffset(row, group)
        result[at] = UInt8(bits & 0xFF)
        result[at + 1] = UInt8(bits >> 8)
        if isInt4 { result[zeroOffset(row, group)] = UInt8(zeros[row][group]) }
      }
      for column in 0..<paddedColumns {
        let padding = zeros[row][column / groupSize]
        let q = column < columns ? quanta[row][column] : padding
        let high = isInt4 && column % 8 >= 4
        result[byteOffset(row, column)] |= high ? UInt8(q) << 4 : UInt8(truncatingIfNeeded: q)
      }
    }
    return result
  }

  /// The bytes as a weight that starts `offset` bytes past a 64-byte boundary.
  func weight(offset: Int = 0) throws -> WeightMatrix {
    let block = ByteBlock(bytes, offset: offset)
    return try WeightMatrix(
      encoding: encoding, rows: rows, columns: columns,
      bytes: OwnedBytes(UnsafeRawBufferPointer(block.bytes), owner: block))
  }

  /// `scale * (q - zero)`.
  func value(_ row: Int, _ column: Int) -> Float {
    Float(scales[row][column / groupSize]) * Float(quanta[row][column] - zeros[row][column / groupSize])
  }

  var values: [Float] {
    (0..<rows).flatMap { row in (0..<columns).map { value(row, $0) } }
  }

  /// The product with activations quantized to 8 bits, every rounding as `Formats/int4.md`, "Activations",
  /// has it.
  func product(_ x: [Float], tokens: Int, bias: [Float]?) -> [Float] {
    var result: [Float] = []
    for token in 0..<tokens {
      let activations = (0..<groups).map { group in
        let end = min(columns, (group + 1) * groupSize)
        return Self.quantized(Array(x[token * columns + group * groupSize..<token * columns + end]))
      }
      for row in 0..<rows {
        var sum: Float = 0
        for (group, activation) in activations.enumerated() {
          let first = group * groupSize
          let dot = activation.q.indices.reduce(0) { $0 + activation.q[$1] * quanta[row][first + $1] }
          let total = activation.q.reduce(0, +)
          let product = Float(scales[row][group]) * Float(dot - zeros[row][group] * total)
          sum = sum.addingProduct(product, activation.scale)
        }
        result.append(bias.map { sum + $0[row] } ?? sum)
      }
    }
    return result
  }

  private static func quantized(_ x: [Float]) -> (q: [Int], scale: Float) {
    guard x.allSatisfy(\.isFinite) else { return ([Int](repeating: 0, count: x.count), .nan) }
    let largest = x.map(abs).max() ?? 0
    guard largest >= 0x1p-120 else { return ([Int](repeating: 0, count: x.count), 0) }
    return (x.map { Int(($0 * (112 / largest)).rounded(.toNearestOrEven)) }, largest / 112)
  }
}
