import CogBase
import CogCompute
import Testing

/// Lengths around every register width.
private let lengths = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 255]

/// All bit patterns of 16 bits whose numbers matter, as floats: what a conversion must return.
private func converted(_ kernels: KernelSet, _ bytes: [UInt8], _ type: ElementType, offset: Int = 0) throws
  -> [Float]
{
  let block = ByteBlock(bytes, offset: offset)
  let width = type.bitWidth / 8
  return try [Float](unsafeUninitializedCapacity: bytes.count / width) { buffer, count in
    let room = UnsafeMutableBufferPointer(rebasing: buffer[..<(bytes.count / width)])
    try kernels.convert(UnsafeRawBufferPointer(block.bytes), of: type, to: room)
    count = bytes.count / width
  }
}

private func stored(_ kernels: KernelSet, _ values: [Float], _ type: ElementType, offset: Int = 0) throws
  -> [UInt8]
{
  let block = ByteBlock(count: values.count * type.bitWidth / 8, offset: offset)
  try values.withUnsafeBufferPointer { try kernels.convert($0, to: type, into: block.bytes) }
  return Array(block.bytes)
}

private func bytes<Value>(_ values: [Value]) -> [UInt8] { values.withUnsafeBytes(Array.init) }

struct ConversionTests {
  @Test("Every F16 and BF16 number becomes its float32, and back itself")
  func allHalves() throws {
    let patterns = (0...UInt16.max).map { $0 }
    for kernels in KernelSet.available {
      let halves = try converted(kernels, bytes(patterns), .float16)
      let brains = try converted(kernels, bytes(patterns), .bfloat16)
      for pattern in patterns {
        let half = Float(Float16(bitPattern: pattern))
        let brain = Float(bitPattern: UInt32(pattern) << 16)
        #expect(half.isNaN ? halves[Int(pattern)].isNaN : halves[Int(pattern)].bitPattern == half.bitPattern)
        #expect(
          brain.isNaN ? brains[Int(pattern)].isNaN : brains[Int(pattern)].bitPattern == brain.bitPattern)
      }
      let numbers = patterns.filter { !Float16(bitPattern: $0).isNaN }
      #expect(try stored(kernels, numbers.map { halves[Int($0)] }, .float16) == bytes(numbers))
      let brainNumbers = patterns.filter { !Float(bitPattern: UInt32($0) << 16).isNaN }
      #expect(try stored(kernels, brainNumbers.map { brains[Int($0)] }, .bfloat16) == bytes(brainNumbers))
    }
  }

  @Test("Float32 rounds to the nearest half, to even on a tie; NaN stays NaN")
  func roundsToHalves() throws {
    var random = SplitMix64(seed: 21)
    var values: [Float] = [
      65504, 65519.996, 65520, 65536, 1e30, .infinity, 6.1e-5, 6.0e-5, 5.9604645e-8, 2.9802322e-8,
      2.9802326e-8, 1e-9,
      .leastNonzeroMagnitude, 0, 1.00048828125, 1.00146484375, 3.3895314e38, .greatestFiniteMagnitude,
      1.00390625,
      1.01171875,
    ]
    values += values.map { -$0 }
    values += (0..<20_000).map { _ in Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random)) }
    values += (0..<20_000).map { _ in Float.random(in: -1e-4...1e-4, using: &random) }
    for kernels in KernelSet.available {
      let halves = try converted(kernels, stored(kernels, values, .float16), .float16)
      let brains = try converted(kernels, stored(kernels, values, .bfloat16), .bfloat16)
      var rounded = values
      rounded.withUnsafeMutableBufferPointer { kernels.roundToBFloat16($0) }
      for (index, value) in values.enumerated() {
        let half = Float(Float16(value))
        #expect(value.isNaN ? halves[index].isNaN : halves[index].bitPattern == half.bitPattern, "\(value)")
        let brain = roundedToBFloat16(value)
        #expect(value.isNaN ? brains[index].isNaN : brains[index].bitPattern == brain.bitPattern, "\(value)")
        #expect(
          value.isNaN ? rounded[index].isNaN : rounded[index].bitPattern == brain.bitPattern, "\(value)")
      }
    }
  }

  @Test("F64 and integers become the nearest float32, at every length and alignment")
  func wideTypes() throws {
    var random = SplitMix64(seed: 22)
    for kernels in KernelSet.available {
      for (index, length) in lengths.enumerated() {
        let doubles = (0..<length).map { _ in Double(random.normal()) * 1.000_000_123 }
        #expect(
          try converted(kernels, bytes(doubles), .float64, offset: index % 8) == doubles.map { Float($0) })
        let longs = (0..<length).map { _ in Int64.random(in: .min ... .max, using: &random) }
        #expect(try converted(kernels, bytes(longs), .int64, offset: index % 8) == longs.map { Float($0) })
        let unsigned = longs.map { UInt64(bitPattern: $0) }
        #expect(
          try converted(kernels, bytes(unsigned), .uint64, offset: index % 8) == unsigned.map { Float($0) })
        let words = longs.map { Int32(truncatingIfNeeded: $0) }
        #expect(try converted(kernels, bytes(words), .int32, offset: index % 4) == words.map { Float($0) })
        #expect(
          try converted(kernels, bytes(words), .uint32, offset: index % 4)
            == words.map { Float(UInt32(bitPattern: $0)) })
        let shorts = longs.map { Int16(truncatingIfNeeded: $0) }
        #expect(try converted(kernels, bytes(shorts), .int16, offset: index % 2) == shorts.map { Float($0) })
        #expect(
          try converted(kernels, bytes(shorts), .uint16, offset: index % 2)
            == shorts.map { Float(UInt16(bitPattern: $0)) })
        let small = longs.map { Int8(truncatingIfNeeded: $0) }
        #expect(try converted(kernels, bytes(small), .int8) == small.map { Float($0) })
        #expect(try converted(kernels, bytes(small), .uint8) == small.map { Float(UInt8(bitPattern: $0)) })
        let flags = small.map { UInt8($0 > 0 ? 1 : 0) }
        #expect(try converted(kernels, flags, .bool) == flags.map { Float($0) })
        let floats = doubles.map { Float($0) }
        #expect(try converted(kernels, bytes(floats), .float32, offset: index % 4) == floats)
        #expect(try stored(kernels, floats, .float64, offset: index % 8) == bytes(floats.map { Double($0) }))
      }
    }
  }

  @Test("Types that are not converted, and sizes that do not match, are refused")
  func refuses() throws {
    let kernels = KernelSet.fastest
    #expect(throws: CogError.self) { try converted(kernels, [1, 2], .float8e4m3) }
    #expect(throws: CogError.self) { try stored(kernels, [1, 2], .int32) }
    let block = ByteBlock(count: 7)
    let room = UnsafeMutableBufferPointer<Float>.allocate(capacity: 4)
    defer { room.deallocate() }
    #expect(throws: CogError.self) {
      try kernels.convert(UnsafeRawBufferPointer(block.bytes), of: .bfloat16, to: room)
    }
  }
}
