import CogBase
import CogCompute
import CogModel
import Testing

extension PanelTwin {
  /// Plain round to nearest: scales and zero points from the least and the largest weight of each group.
  init(absmax weights: [Float], rows: Int, columns: Int, groupSize: Int, isInt4: Bool) {
    var random = SplitMix64(seed: 0)
    self.init(rows: rows, columns: columns, groupSize: groupSize, isInt4: isInt4, random: &random)
    for row in 0..<rows {
      for group in 0..<groups {
        let own = group * groupSize..<min(columns, (group + 1) * groupSize)
        round(own.map { weights[row * columns + $0] }, row: row, group: group)
      }
    }
  }

  private mutating func round(_ weights: [Float], row: Int, group: Int) {
    let least = min(0, weights.min() ?? 0)
    let most = max(0, weights.max() ?? 0)
    let exact = isInt4 ? most / 15 - least / 15 : max(most, -least) / 127
    let scale = min(65504, max(0x1p-24, Float(Float16(min(exact, 65504)))))
    let zero = isInt4 ? min(15, max(0, -least / scale)).rounded(.toNearestOrEven) : 0
    let (lowest, highest) = isInt4 ? (0 - zero, 15 - zero) : (-127, 127)
    let steps = weights.map { weight in
      // The product of two float32 numbers is exact in double.
      let quotient = (Double(weight) * Double(1 / scale)).rounded(.toNearestOrEven)
      return Int(min(Double(highest), max(Double(lowest), quotient)))
    }
    let isZero = steps.allSatisfy { $0 == 0 }
    scales[row][group] = isZero ? 0 : Float16(scale)
    zeros[row][group] = isZero ? 0 : Int(zero)
    for (offset, step) in steps.enumerated() {
      quanta[row][group * groupSize + offset] = step + zeros[row][group]
    }
  }
}

struct ScaleChoiceTests {
  static let encodings = QuantizerTests.encodings

  @Test("absmax is plain rounding between the least and the largest weight", arguments: encodings)
  func absmax(encoding: TensorEncoding) throws {
    var random = SplitMix64(seed: 31)
    let isInt4 = encoding.family == .int4
    let makers: [(inout SplitMix64) -> Float] = [
      { $0.normal() * 0.02 }, { $0.normal() * 0.02 + 0.1 }, { -abs($0.normal()) }, { abs($0.normal()) },
      { $0.normal() * 1e-6 }, { $0.normal() * 1e6 }, { _ in 0 },
    ]
    for make in makers {
      for (rows, columns) in [(16, 256), (5, 131)] {
        let weights = (0..<rows * columns).map { _ in make(&random) }
        let twin = PanelTwin(
          absmax: weights, rows: rows, columns: columns, groupSize: encoding.groupSize ?? 0, isInt4: isInt4)
        let expected = twin.bytes
        for kernels in KernelSet.available {
          let panel = try QuantizedPanel(
            weights, rows: rows, columns: columns, encoding: encoding, kernels: kernels, choosing: .absmax)
          #expect(panel.bytes == expected, "\(kernels.name) [\(rows), \(columns)]")
        }
      }
    }
  }

  @Test("Least squares loses less than absmax", arguments: encodings)
  func leastSquaresIsBetter(encoding: TensorEncoding) throws {
    var random = SplitMix64(seed: 32)
    let weights = random.normals(16 * 512, scale: 0.03)
    let errors = try ScaleChoice.allCases.map {
      try QuantizedPanel(
        weights, rows: 16, columns: 512, encoding: encoding, kernels: KernelSet.fastest, choosing: $0
      ).error.squaredError
    }
    #expect(errors[0] < errors[1])
  }

  /// The sum of squared errors of a panel, each times its column's importance.
  private func loss(
    _ weights: [Float], _ importance: [Float]?, _ counted: [Float], _ encoding: TensorEncoding
  )
    throws -> Double
  {
    let columns = counted.count
    let layout = try PanelLayout(encoding: encoding, rows: 16, columns: columns)
    let block = ByteBlock(count: layout.panelBytes)
    _ = try weights.withUnsafeBufferPointer {
      try KernelSet.fastest.quantize(
        $0, layout: layout, choosing: .leastSquares, importance: importance, into: block.bytes)
    }
    var values = [Float](repeating: 0, count: weights.count)
    try values.withUnsafeMutableBufferPointer {
      try KernelSet.fastest.dequantize(
        UnsafeRawBufferPointer(block.bytes), layout: layout, rows: 0..<16, into: $0)
    }
    return weights.indices.reduce(0.0) { sum, index in
      let error = Double(weights[index]) - Double(values[index])
      return sum + error * error * Double(counted[index % columns])
    }
  }

  @Test("With the importance of columns the errors that count become smaller", arguments: encodings)
  func importance(encoding: TensorEncoding) throws {
    var random = SplitMix64(seed: 33)
    let columns = 300
    let weights = random.normals(16 * columns, scale: 0.03)
    let importance = (0..<columns).map { $0 % 17 == 3 ? Float(400) : abs(random.normal()) }
    let plain = try loss(weights, nil, importance, encoding)
    let weighted = try loss(weights, importance, importance, encoding)
    #expect(weighted < 0.97 * plain)
  }

  @Test("Columns that count alike give the bytes of no importance, on every instruction set")
  func evenImportance() throws {
    var random = SplitMix64(seed: 34)
    let columns = 200
    let weights = random.normals(16 * columns, scale: 0.03)
    let layout = try PanelLayout(encoding: .int4(groupSize: 64), rows: 16, columns: columns)
    func bytes(_ importance: [Float]?, _ kernels: KernelSet) throws -> [UInt8] {
      let block = ByteBlock(count: layout.panelBytes)
      _ = try weights.withUnsafeBufferPointer {
        try kernels.quantize(
          $0, layout: layout, choosing: .leastSquares, importance: importance, into: block.bytes)
      }
      return Array(block.bytes)
    }
    let uneven = (0..<columns).map { Float($0 % 5) }
    for kernels in KernelSet.available {
      #expect(
        try bytes(Array(repeating: 1, count: columns), kernels) == bytes(nil, kernels), "\(kernels.name)")
      #expect(try bytes(uneven, kernels) == bytes(uneven, KernelSet.named("portable")), "\(kernels.name)")
      #expect(try bytes(uneven, kernels) != bytes(nil, kernels))
    }
    #expect(throws: CogError.self) { try bytes([1, 2], KernelSet.fastest) }
  }
}

struct PackingTests {
  /// What a method hands to the kernels: the codes, scales and zero points of a panel's rows.
  private struct Rows {
    var codes: [Int8]
    var scales: [Float]
    var zeros: [UInt8]

    init(_ twin: PanelTwin) {
      codes = twin.quanta.joined().map { Int8($0) }
      scales = twin.scales.joined().map { Float($0) }
      zeros = twin.isInt4 ? twin.zeros.joined().map { UInt8($0) } : []
    }

    func packed(_ layout: PanelLayout, kernels: KernelSet) throws -> [UInt8] {
      let block = ByteBlock(count: layout.panelBytes)
      try codes.withUnsafeBufferPointer { codes in
        try scales.withUnsafeBufferPointer { scales in
          try zeros.withUnsafeBufferPointer { zeros in
            try kernels.pack(codes: codes, scales: scales, zeros: zeros, layout: layout, into: block.bytes)
          }
        }
      }
      return Array(block.bytes)
    }
  }

  @Test("Codes of any origin are packed as the format's page says", arguments: QuantizerTests.encodings)
  func packs(encoding: TensorEncoding) throws {
    var random = SplitMix64(seed: 33)
    let isInt4 = encoding.family == .int4
    for (rows, columns) in [(16, 512), (7, 333), (1, 1)] {
      let twin = PanelTwin(
        rows: rows, columns: columns, groupSize: encoding.groupSize ?? 0, isInt4: isInt4, random: &random)
      let layout = try PanelLayout(encoding: encoding, rows: rows, columns: columns)
      for kernels in KernelSet.available {
        #expect(try Rows(twin).packed(layout, kernels: kernels) == twin.bytes, "\(kernels.name)")
      }
    }
  }

  @Test("A group of zeros is packed as zeros, whatever its scale and zero point were")
  func zeros() throws {
    var random = SplitMix64(seed: 34)
    var twin = PanelTwin(rows: 3, columns: 128, groupSize: 64, isInt4: true, random: &random)
    var rows = Rows(twin)
    for column in 64..<128 { rows.codes[128 + column] = Int8(rows.zeros[3]) }  // row 1, group 1
    rows.scales[4] = 0  // row 2, group 0
    (twin.scales[1][1], twin.zeros[1][1], twin.scales[2][0], twin.zeros[2][0]) = (0, 0, 0, 0)
    for column in 0..<64 { (twin.quanta[1][64 + column], twin.quanta[2][column]) = (0, 0) }
    let layout = try PanelLayout(encoding: .int4(groupSize: 64), rows: 3, columns: 128)
    for kernels in KernelSet.available {
      #expect(try rows.packed(layout, kernels: kernels) == twin.bytes, "\(kernels.name)")
    }
  }

  @Test("A code, scale or zero point that the format does not have is refused, and so are wrong sizes")
  func refuses() throws {
    var random = SplitMix64(seed: 35)
    for isInt4 in [true, false] {
      let twin = PanelTwin(rows: 2, columns: 70, groupSize: 32, isInt4: isInt4, random: &random)
      let layout = try PanelLayout(encoding: twin.encoding, rows: 2, columns: 70)
      let changes: [(inout Rows) -> Void] = [
        { $0.codes[139] = isInt4 ? 16 : -128 }, { $0.scales[5] = 0.1 }, { $0.scales[0] = -0.5 },
        { $0.scales[1] = .nan }, { $0.scales[1] = .infinity }, { $0.codes.removeLast() },
        { $0.scales.removeLast() }, { $0.zeros = [UInt8](repeating: 16, count: 6) },
        { $0.zeros = [1, 2] }, { $0.codes = [] },
      ]
      for change in changes {
        var rows = Rows(twin)
        change(&rows)
        for kernels in KernelSet.available {
          #expect(throws: CogError.self) { try rows.packed(layout, kernels: kernels) }
        }
      }
    }
  }
}
