import CogModel
import CogBase
import CogCompute
import Testing

/// Sizes with padding rows and columns, short last groups, and a size that has neither.
private let sizes = [(1, 1), (16, 8), (5, 40), (33, 129), (48, 256), (17, 333), (20, 700)]

/// Whether two lists are equal, NaN included.
private func areSame(_ first: [Float], _ second: [Float]) -> Bool {
  first.count == second.count && zip(first, second).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
}

struct QuantizedLinearTests {
  @Test(
    "Products with int8 activations have the bits that the format's page asks for, in every instruction set",
    arguments: [32, 64, 128], [true, false])
  func matchesTwin(groupSize: Int, isInt4: Bool) throws {
    var random = SplitMix64(seed: UInt64(groupSize))
    for (rows, columns) in sizes {
      let twin = PanelTwin(
        rows: rows, columns: columns, groupSize: groupSize, isInt4: isInt4, random: &random)
      for (tokens, offset) in [(1, 0), (2, 1), (3, 64), (4, 7), (13, 32), (37, 3), (44, 5)] {
        let x = random.normals(tokens * columns, scale: 3)
        let bias = tokens % 2 == 0 ? random.normals(rows) : nil
        let expected = twin.product(x, tokens: tokens, bias: bias)
        let weight = try twin.weight(offset: offset)
        for kernels in KernelSet.available {
          let compute = Compute(mode: .fast, kernels: kernels)
          let layer = try Linear(weight, bias: bias, compute: compute)
          let result = layer(FloatMatrix(x, rows: tokens, columns: columns))
          #expect(
            result.values == expected,
            "\(kernels.name), \(tokens) tokens, \(weight.encoding.label) [\(rows), \(columns)]")
        }
      }
    }
  }

  @Test("Rows of many groups and weights of many panels, which are multiplied in parts, lose nothing")
  func parts() throws {
    var random = SplitMix64(seed: 8)
    let pool = ThreadPool(threadCount: 1)
    for (rows, columns, groupSize, tokens) in [(40, 4_216, 32, 33), (17, 8_520, 64, 44), (29_000, 8, 64, 32)]
    {
      let twin = PanelTwin(
        rows: rows, columns: columns, groupSize: groupSize, isInt4: true, random: &random)
      let x = FloatMatrix(random.normals(tokens * columns), rows: tokens, columns: columns)
      let bias = random.normals(rows)
      let expected = twin.product(x.values, tokens: tokens, bias: bias)
      for kernels in KernelSet.available {
        let compute = Compute(mode: .fast, kernels: kernels, threads: pool)
        // A difference of so many numbers takes minutes to print.
        let isEqual = try Linear(twin.weight(), bias: bias, compute: compute)(x).values == expected
        #expect(isEqual, "\(kernels.name) [\(rows), \(columns)]")
      }
    }
  }

  @Test(
    "Dequantized rows are scale * (q - zero), in every encoding and mode", arguments: [32, 64, 128],
    [true, false])
  func dequantizes(groupSize: Int, isInt4: Bool) throws {
    var random = SplitMix64(seed: UInt64(groupSize) + 1)
    for (rows, columns) in sizes {
      let twin = PanelTwin(
        rows: rows, columns: columns, groupSize: groupSize, isInt4: isInt4, random: &random)
      let weight = try twin.weight(offset: 5)
      let kernels = KernelSet.fastest
      #expect(try weight.dequantizedRows(0..<rows, kernels: kernels).values == twin.values)
      let part = rows / 3..<max(rows / 3, rows - 1)
      #expect(
        try weight.dequantizedRows(part, kernels: kernels).values
          == Array(twin.values[part.lowerBound * columns..<part.upperBound * columns]))
      let x = random.normals(3 * columns)
      let expected = product(x, twin.values, tokens: 3, rows: rows, columns: columns)
      let result = try Linear(weight, compute: Compute(mode: .float32))(
        FloatMatrix(x, rows: 3, columns: columns))
      #expect(relativeL2(result.values, expected) < 5e-7)
    }
  }

  @Test(
    "The largest weights and activations do not overflow the sums", arguments: [32, 64, 128], [true, false])
  func extremes(groupSize: Int, isInt4: Bool) throws {
    var random = SplitMix64(seed: 9)
    let (columns, tokens) = (256, 33)
    for (q, zero) in isInt4 ? [(15, 0), (0, 15), (15, 15)] : [(127, 0), (-127, 0)] {
      var twin = PanelTwin(rows: 17, columns: columns, groupSize: groupSize, isInt4: isInt4, random: &random)
      for row in 0..<17 {
        for column in 0..<columns { twin.quanta[row][column] = q }
        for group in 0..<twin.groups { twin.zeros[row][group] = zero }
      }
      for sign in [Float(1), -1] {
        let x = [Float](repeating: sign * 2.5, count: tokens * columns)
        let expected = twin.product(x, tokens: tokens, bias: nil)
        for kernels in KernelSet.available {
          let compute = Compute(mode: .fast, kernels: kernels)
          let layer = try Linear(twin.weight(), compute: compute)
          let result = layer(FloatMatrix(x, rows: tokens, columns: columns))
          #expect(result.values == expected, "\(kernels.name) q \(q) zero \(zero)")
        }
      }
    }
  }

  /// Kernels that multiply pairs finish these a shorter way, unless the weights lean far to one side.
  @Test(
    "Every zero point gives the same bits, however far the weights lean",
    arguments: [0...15, 0...0, 15...15, 7...8], [0...15, 3...12, 0...2, 13...15])
  func zeroPoints(zeros: ClosedRange<Int>, quanta: ClosedRange<Int>) throws {
    var random = SplitMix64(seed: 10)
    for (rows, columns, tokens) in [(33, 256, 44), (16, 1_000, 37), (17, 4_168, 33)] {
      var twin = PanelTwin(rows: rows, columns: columns, groupSize: 64, isInt4: true, random: &random)
      for row in 0..<rows {
        for group in 0..<twin.groups { twin.zeros[row][group] = Int.random(in: zeros, using: &random) }
        for column in 0..<columns { twin.quanta[row][column] = Int.random(in: quanta, using: &random) }
      }
      twin.scales[0][1] = .infinity
      twin.scales[1][2] = 0
      let x = random.normals(tokens * columns)
      let expected = twin.product(x, tokens: tokens, bias: nil)
      for kernels in KernelSet.available {
        let compute = Compute(mode: .fast, kernels: kernels)
        let layer = try Linear(twin.weight(), compute: compute)
        let result = layer(FloatMatrix(x, rows: tokens, columns: columns)).values
        let isEqual = areSame(result, expected)
        #expect(isEqual, "\(kernels.name) [\(rows), \(columns)]")
      }
    }
  }

  @Test("NaN and infinity in an activation make that token's outputs NaN and leave the others alone")
  func notFinite() throws {
    var random = SplitMix64(seed: 3)
    let twin = PanelTwin(rows: 20, columns: 100, groupSize: 32, isInt4: true, random: &random)
    for tokens in [3, 36] {
      var x = random.normals(tokens * 100)
      let expected = twin.product(x, tokens: tokens, bias: nil)
      for bad in [Float.nan, .infinity, -.infinity] {
        x[100 + 99] = bad
        for kernels in KernelSet.available {
          let compute = Compute(mode: .fast, kernels: kernels)
          let layer = try Linear(twin.weight(), compute: compute)
          let result = layer(FloatMatrix(x, rows: tokens, columns: 100)).values
          #expect(result[20..<40].allSatisfy { $0.isNaN }, "\(kernels.name)")
          #expect(
            Array(result[..<20]) == Array(expected[..<20])
              && Array(result[40...]) == Array(expected[40...]))
        }
      }
    }
  }

  @Test("Activations below 2^-120 count as zeros, in groups that have no larger one")
  func tinyActivations() throws {
    var random = SplitMix64(seed: 4)
    let twin = PanelTwin(rows: 16, columns: 64, groupSize: 32, isInt4: true, random: &random)
    let least = Float.leastNonzeroMagnitude
    for peak in [Float(0), least, 1e-38, Float(0x1p-120).nextDown, 0x1p-120, 0x1p-119, 1e-30] {
      for (tokens, largest) in [(1, peak), (34, peak), (34, 1)] {
        var x = (0..<64 * tokens).map { peak * Float($0 % 3 - 1) }
        x[40] = largest
        let expected = twin.product(x, tokens: tokens, bias: nil)
        #expect((peak >= 0x1p-120 || largest == 1) == expected.contains { $0 != 0 })
        for kernels in KernelSet.available {
          let compute = Compute(mode: .fast, kernels: kernels)
          let layer = try Linear(twin.weight(), compute: compute)
          let result = layer(FloatMatrix(x, rows: tokens, columns: 64))
          #expect(result.values == expected, "\(kernels.name), \(tokens) tokens, \(peak)")
        }
      }
    }
  }

  @Test("bfloat16 mode rounds expanded weights and the result once")
  func bfloat16() throws {
    var random = SplitMix64(seed: 5)
    let twin = PanelTwin(rows: 37, columns: 200, groupSize: 64, isInt4: true, random: &random)
    for tokens in [1, 6] {
      let x = random.normals(tokens * 200).map(roundedToBFloat16)
      let bias = random.normals(37)
      var expected = product(
        x, twin.values.map(roundedToBFloat16), tokens: tokens, rows: 37, columns: 200)
      for index in expected.indices { expected[index] += Double(roundedToBFloat16(bias[index % 37])) }
      let layer = try Linear(twin.weight(), bias: bias, compute: Compute(mode: .bfloat16))
      let result = layer(FloatMatrix(x, rows: tokens, columns: 200))
      #expect(result.values.allSatisfy { $0 == roundedToBFloat16($0) })
      let equal = zip(result.values, expected).count { $0 == roundedToBFloat16(Float($1)) }
      // A float32 sum that lies next to the middle of two bfloat16 numbers may fall to either side.
      #expect(Double(equal) >= 0.98 * Double(expected.count), "\(equal) of \(expected.count)")
    }
  }
}

struct WeightMatrixTests {
  @Test("A weight with the wrong number of bytes, or sizes out of range, is refused")
  func checksBytes() throws {
    let block = ByteBlock(count: 1024)
    let bytes = OwnedBytes(UnsafeRawBufferPointer(block.bytes), owner: block)
    for (encoding, rows, columns) in [
      (TensorEncoding.plain(.float32), 16, 17), (.plain(.bfloat16), 0, 4), (.plain(.float8e4m3), 32, 32),
      (.int4(groupSize: 64), 16, 64), (.int4(groupSize: 48), 16, 64), (.int8(groupSize: 32), -1, 5),
      (.plain(.float32), Int.max, Int.max), (.int4(groupSize: 32), Int.max, 8),
    ] {
      #expect(throws: CogError.self) {
        try WeightMatrix(encoding: encoding, rows: rows, columns: columns, bytes: bytes)
      }
    }
    let weight = try WeightMatrix(
      encoding: .plain(.float32), rows: 16, columns: 16, bytes: bytes)
    let kernels = KernelSet.fastest
    #expect(throws: CogError.self) { try weight.dequantizedRows(10..<17, kernels: kernels) }
    #expect(throws: CogError.self) { try weight.dequantizedRows(-1..<2, kernels: kernels) }
    #expect(try weight.dequantizedRows(3..<3, kernels: kernels).rows == 0)
  }

  @Test("Any scale, zero point and weight bytes give numbers, never a trap")
  func hostileBytes() throws {
    var random = SplitMix64(seed: 6)
    for encoding in [TensorEncoding.int4(groupSize: 32), .int8(groupSize: 128)] {
      let layout = try PanelLayout(encoding: encoding, rows: 19, columns: 150)
      let block = ByteBlock((0..<layout.byteCount).map { _ in UInt8.random(in: 0...255, using: &random) })
      let weight = try WeightMatrix(
        encoding: encoding, rows: 19, columns: 150,
        bytes: OwnedBytes(UnsafeRawBufferPointer(block.bytes), owner: block))
      for tokens in [5, 33] {
        let x = FloatMatrix(random.normals(tokens * 150), rows: tokens, columns: 150)
        let portable = try Compute(mode: .fast, kernels: KernelSet.named("portable"))
        let oracle = try Linear(weight, compute: portable)(x).values
        for kernels in KernelSet.available {
          let result = try Linear(weight, compute: Compute(mode: .fast, kernels: kernels))(x).values
          let isEqual = areSame(result, oracle)
          #expect(isEqual, "\(kernels.name)")
        }
      }
      #expect(try weight.dequantizedRows(0..<19, kernels: KernelSet.fastest).count == 19 * 150)
    }
  }
}
