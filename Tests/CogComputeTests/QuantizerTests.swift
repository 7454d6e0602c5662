import CogModel
import CogBase
import CogCompute
import Testing

/// A panel quantized by the kernels and read back by the twin.
struct QuantizedPanel {
  let twin: PanelTwin
  let error: PanelError
  let bytes: [UInt8]

  init(
    _ weights: [Float], rows: Int, columns: Int, encoding: TensorEncoding, kernels: KernelSet,
    choosing choice: ScaleChoice = .leastSquares
  ) throws {
    let layout = try PanelLayout(encoding: encoding, rows: rows, columns: columns)
    let block = ByteBlock(count: layout.panelBytes)
    error = try weights.withUnsafeBufferPointer {
      try kernels.quantize($0, layout: layout, choosing: choice, into: block.bytes)
    }
    bytes = Array(block.bytes)
    twin = PanelTwin(
      reading: UnsafeRawBufferPointer(block.bytes), rows: rows, columns: columns, groupSize: layout.groupSize,
      isInt4: encoding.family == .int4)
  }

  /// Squared error and squared sum of each row and group, in double.
  func groupErrors(_ weights: [Float]) -> [[(lost: Double, total: Double)]] {
    (0..<twin.rows).map { row in
      (0..<twin.groups).map { group in
        var lost = 0.0
        var total = 0.0
        for column in group * twin.groupSize..<min(twin.columns, (group + 1) * twin.groupSize) {
          let weight = Double(weights[row * twin.columns + column])
          lost += (weight - Double(twin.value(row, column))) * (weight - Double(twin.value(row, column)))
          total += weight * weight
        }
        return (lost, total)
      }
    }
  }
}

/// Squared error of min-max quantization of one group: scale (max - min) / 15 in F16, the nearest zero point.
private func minMaxError(_ weights: [Float]) -> Double {
  let least = min(0, weights.min() ?? 0)
  let most = max(0, weights.max() ?? 0)
  let scale = Double(Float16((most - least) / 15))
  guard scale > 0 else { return weights.reduce(0) { $0 + Double($1) * Double($1) } }
  let zero = min(15, max(0, (Double(-least) / scale).rounded(.toNearestOrEven)))
  return weights.reduce(0) { sum, weight in
    let q = min(15, max(0, (Double(weight) / scale).rounded(.toNearestOrEven) + zero))
    let lost = Double(weight) - scale * (q - zero)
    return sum + lost * lost
  }
}

struct QuantizerTests {
  static let encodings = EncodingRegistry.quantizedEncodings

  @Test(
    "Errors that the quantizer reports are those of what it wrote", arguments: encodings,
    ScaleChoice.allCases)
  func reportsErrors(encoding: TensorEncoding, choice: ScaleChoice) throws {
    var random = SplitMix64(seed: 11)
    for (rows, columns) in [(16, 256), (7, 333), (1, 8), (16, 5)] {
      var weights = random.normals(rows * columns, scale: 0.02)
      weights[0] = 1.5
      for kernels in KernelSet.available {
        let panel = try QuantizedPanel(
          weights, rows: rows, columns: columns, encoding: encoding, kernels: kernels, choosing: choice)
        let errors = panel.groupErrors(weights)
        let lost = errors.joined().reduce(0) { $0 + $1.lost }
        let total = errors.joined().reduce(0) { $0 + $1.total }
        #expect(abs(panel.error.squaredError - lost) <= 1e-9 * lost)
        #expect(abs(panel.error.squaredSum - total) <= 1e-9 * total)
        let worst = errors[panel.error.worstRow][panel.error.worstGroup]
        #expect(abs(panel.error.worstRelativeError - (worst.lost / worst.total).squareRoot()) < 1e-9)
        #expect(
          errors.joined().allSatisfy {
            ($0.lost / $0.total).squareRoot() <= panel.error.worstRelativeError + 1e-9
          })
      }
    }
  }

  @Test("All instruction sets write the same panel", arguments: encodings, ScaleChoice.allCases)
  func sameBytes(encoding: TensorEncoding, choice: ScaleChoice) throws {
    var random = SplitMix64(seed: 12)
    let portable = try KernelSet.named("portable")
    for (rows, columns) in [(16, 384), (3, 77)] {
      let weights = random.normals(rows * columns, scale: 0.05)
      let expected = try QuantizedPanel(
        weights, rows: rows, columns: columns, encoding: encoding, kernels: portable, choosing: choice)
      for kernels in KernelSet.available {
        let panel = try QuantizedPanel(
          weights, rows: rows, columns: columns, encoding: encoding, kernels: kernels, choosing: choice)
        #expect(panel.bytes == expected.bytes && panel.error == expected.error, "\(kernels.name)")
      }
    }
  }

  @Test("No int4 group loses more than min-max quantization does", arguments: [32, 64, 128])
  func beatsMinMax(groupSize: Int) throws {
    var random = SplitMix64(seed: 13)
    let columns = 512
    let shapes: [(String, (Int, inout SplitMix64) -> Float)] = [
      ("normal", { _, random in random.normal() * 0.03 }),
      ("shifted", { _, random in random.normal() * 0.03 + 0.05 }),
      ("all negative", { _, random in -abs(random.normal()) }),
      ("outliers", { index, random in random.normal() * (index % 61 == 0 ? 3 : 0.03) }),
      ("two values", { index, _ in index % 3 == 0 ? 0.25 : -0.75 }),
    ]
    for (name, make) in shapes {
      let weights = (0..<16 * columns).map { make($0, &random) }
      let panel = try QuantizedPanel(
        weights, rows: 16, columns: columns, encoding: .int4(groupSize: groupSize), kernels: KernelSet.fastest
      )
      var plain = 0.0
      for (row, groups) in panel.groupErrors(weights).enumerated() {
        for (group, errors) in groups.enumerated() {
          let first = row * columns + group * groupSize
          let limit = minMaxError(Array(weights[first..<first + groupSize]))
          plain += limit
          // The search compares float32 sums.
          #expect(
            errors.lost <= limit * (1 + 1e-5) + 1e-12 * errors.total, "\(name) row \(row) group \(group)")
        }
      }
      #expect(panel.error.squaredError <= plain, "\(name)")
      if name == "normal" { #expect(panel.error.squaredError < 0.95 * plain) }
    }
  }

  @Test("int8 loses less than a two-hundredth of normal weights and no q passes 127")
  func int8() throws {
    var random = SplitMix64(seed: 14)
    let weights = random.normals(16 * 640, scale: 7)
    let panel = try QuantizedPanel(
      weights, rows: 16, columns: 640, encoding: .int8(groupSize: 64), kernels: KernelSet.fastest)
    #expect((panel.error.squaredError / panel.error.squaredSum).squareRoot() < 0.0065)
    #expect(panel.twin.quanta.joined().allSatisfy { abs($0) <= 127 })
  }

  @Test(
    "Groups of zeros, padding rows and padding columns are written as the format says", arguments: encodings)
  func zeros(encoding: TensorEncoding) throws {
    var random = SplitMix64(seed: 15)
    let columns = 131
    var weights = random.normals(5 * columns)
    for column in 0..<columns { weights[2 * columns + column] = 0 }
    let layout = try PanelLayout(encoding: encoding, rows: 5, columns: columns)
    let panel = try QuantizedPanel(
      weights, rows: 5, columns: columns, encoding: encoding, kernels: KernelSet.fastest)
    #expect(panel.twin.scales[2].allSatisfy { $0 == 0 } && panel.twin.zeros[2].allSatisfy { $0 == 0 })
    #expect(panel.twin.quanta[2].allSatisfy { $0 == 0 })
    // What the twin writes for the same quanta has the padding of the format's page.
    #expect(panel.twin.bytes == panel.bytes)
    #expect(panel.bytes.count == layout.panelBytes)
  }

  @Test("Constant groups, tiny and huge weights come back as near as F16 scales allow")
  func extremes() throws {
    let columns = 64
    // Below 2^-14 the steps of F16 are coarse against the scale.
    for (value, tolerance) in [
      (Float(0.3), 5e-4), (-7.25, 5e-4), (1e-4, 5e-3), (1e-6, 0.06), (5e-8, 0.2), (60000, 5e-4),
      (900_000, 5e-4),
    ] {
      for encoding in [TensorEncoding.int4(groupSize: 32), .int8(groupSize: 64)] {
        let weights = [Float](repeating: value, count: columns)
        let panel = try QuantizedPanel(
          weights, rows: 1, columns: columns, encoding: encoding, kernels: KernelSet.fastest)
        let error = (panel.error.squaredError / panel.error.squaredSum).squareRoot()
        #expect(error <= tolerance, "\(value) \(encoding.label): \(error)")
      }
    }
    // Beyond what a scale can hold: flushed to zero, or clamped to the largest, but never NaN or infinite.
    for value in [Float.leastNonzeroMagnitude, 1e-30, 1e9, .greatestFiniteMagnitude] {
      for encoding in [TensorEncoding.int4(groupSize: 32), .int8(groupSize: 64)] {
        let weights = (0..<columns).map { $0 % 2 == 0 ? value : -value }
        for kernels in KernelSet.available {
          let panel = try QuantizedPanel(
            weights, rows: 1, columns: columns, encoding: encoding, kernels: kernels)
          #expect(panel.twin.values.allSatisfy { $0.isFinite })
          #expect(panel.error.worstRelativeError <= 1 && panel.error.squaredError.isFinite)
          if value < 1 { #expect(panel.twin.scales[0].allSatisfy { $0 == 0 }) }
        }
      }
    }
  }

  @Test(
    "A weight that is NaN or infinite is reported with its row and group", arguments: ScaleChoice.allCases)
  func notFinite(choice: ScaleChoice) throws {
    for bad in [Float.nan, .infinity, -.infinity] {
      var weights = [Float](repeating: 0.5, count: 4 * 200)
      weights[3 * 200 + 150] = bad
      for encoding in Self.encodings {
        for kernels in KernelSet.available {
          let error = #expect(throws: CogError.self) {
            try QuantizedPanel(
              weights, rows: 4, columns: 200, encoding: encoding, kernels: kernels, choosing: choice)
          }
          let group = 150 / (encoding.groupSize ?? 1)
          #expect(error?.subject == "row 3 of the panel, group \(group)")
        }
      }
    }
  }

  @Test("Weights or room of the wrong size are refused")
  func sizes() throws {
    let kernels = KernelSet.fastest
    let layout = try PanelLayout(encoding: .int4(groupSize: 64), rows: 40, columns: 64)
    let room = ByteBlock(count: layout.panelBytes + 1)
    for (count, bytes) in [
      (0, layout.panelBytes), (65, layout.panelBytes), (17 * 64, layout.panelBytes), (64, 10),
    ] {
      let weights = [Float](repeating: 1, count: count)
      #expect(throws: CogError.self) {
        try weights.withUnsafeBufferPointer {
          try kernels.quantize(
            $0, layout: layout, choosing: .absmax,
            into: UnsafeMutableRawBufferPointer(rebasing: room.bytes[..<bytes]))
        }
      }
    }
  }
}
