import CogBase
import CogCompute
import CogModel
import Testing

/// A square matrix in double precision.
private struct Square {
  let size: Int
  var values: [Double]

  subscript(row: Int, column: Int) -> Double {
    get { values[row * size + column] }
    set { values[row * size + column] = newValue }
  }

  /// Gauss and Jordan, for a positive definite matrix.
  var inverse: Square {
    var (a, b) = (self, Square(size: size, values: Array(repeating: 0, count: size * size)))
    for index in 0..<size { b[index, index] = 1 }
    for pivot in 0..<size {
      let scale = 1 / a[pivot, pivot]
      for column in 0..<size {
        (a[pivot, column], b[pivot, column]) = (a[pivot, column] * scale, b[pivot, column] * scale)
      }
      for row in 0..<size where row != pivot {
        let factor = a[row, pivot]
        if factor == 0 { continue }
        for column in 0..<size {
          a[row, column] -= factor * a[pivot, column]
          b[row, column] -= factor * b[pivot, column]
        }
      }
    }
    return b
  }

  /// U with `self = U^T U`.
  var upperFactor: Square {
    var u = Square(size: size, values: Array(repeating: 0, count: size * size))
    for row in 0..<size {
      for column in row..<size {
        let sum = (0..<row).reduce(self[row, column]) { $0 - u[$1, row] * u[$1, column] }
        u[row, column] = column == row ? sum.squareRoot() : sum / u[row, row]
      }
    }
    return u
  }
}

@Suite struct FeedbackRoundingTests {
  private let columns = 200
  private let rows = 37
  private let weights: [Float]
  private let gram: GramMatrix
  private let order: [Int]

  init() {
    var random = SplitMix64(seed: 77)
    weights = random.normals(rows * columns, scale: 0.03)
    // Columns of different sizes that depend on each other, as those of a layer's input do.
    let mixing = random.normals(columns * 40)
    gram = GramMatrix(size: columns)
    for _ in 0..<6 {
      let latent = random.normals(50 * 40)
      var x = random.normals(50 * columns, scale: 0.3)
      for token in 0..<50 {
        for column in 0..<columns {
          for k in 0..<40 {
            x[token * columns + column] += latent[token * 40 + k] * mixing[column * 40 + k] / 6
          }
          x[token * columns + column] *= Float(1 + column % 7)
        }
      }
      gram.add(FloatMatrix(x, rows: 50, columns: columns), threads: ThreadPool(threadCount: 1))
    }
    let values = gram.values
    for index in 0..<columns { values[index, index] *= 1.01 }
    order = (0..<columns).sorted { values[$0, $0] < values[$1, $1] }
  }

  private func second(_ row: Int, _ column: Int) -> Float { gram.values[max(row, column), min(row, column)] }

  /// Scales and zero points of the range of each group.
  private func scales(_ layout: PanelLayout) -> (scales: [Float], zeros: [UInt8]) {
    var (scales, zeros): ([Float], [UInt8]) = ([], [])
    for row in 0..<rows {
      for group in 0..<layout.groupCount {
        let own = group * layout.groupSize..<min((group + 1) * layout.groupSize, columns)
        let values = own.map { weights[row * columns + $0] }
        let (least, most) = (min(0, values.min() ?? 0), max(0, values.max() ?? 0))
        let scale = layout.codes.hasZeroPoints ? (most - least) / 15 : max(most, -least) / 127
        scales.append(Float(Float16(scale)))
        zeros.append(layout.codes.hasZeroPoints ? UInt8((-least / scale).rounded()) : 0)
      }
    }
    return (scales, zeros)
  }

  private func round(_ layout: PanelLayout, kernels: KernelSet = .fastest) throws -> [Int8] {
    let factor = FloatMatrix(rows: columns, columns: columns)
    for row in 0..<columns {
      for column in 0...row { factor[row, column] = second(order[row], order[column]) }
    }
    try #require(try CholeskyFactor.replace(factor, context: RunContext(threads: ThreadPool(threadCount: 1))))
    let rounding = FeedbackRounding(factor: factor, order: order, layout: layout, kernels: kernels)
    let (scales, zeros) = scales(layout)
    var codes = [Int8](repeating: 99, count: rows * columns)
    codes.withUnsafeMutableBufferPointer {
      guard let base = $0.baseAddress else { return }
      rounding.round(
        FloatMatrix(weights, rows: rows, columns: columns), scales: scales,
        zeros: layout.codes.hasZeroPoints ? zeros : [], into: base)
    }
    return codes
  }

  /// GPTQ as its paper writes it, with the inverse of the Hessian, in double precision; and how many codes of
  /// each row, in the order of work, come before the first whose value lies at the middle between two codes
  /// to a 5000th of a step. Float32 may take that one either way, and all that follow in its row with it.
  private func textbook(_ layout: PanelLayout) -> (codes: [Int8], decided: [Int]) {
    let first = Array(order.reversed())
    var hessian = Square(size: columns, values: Array(repeating: 0, count: columns * columns))
    for row in 0..<columns {
      for column in 0..<columns { hessian[row, column] = Double(second(first[row], first[column])) }
    }
    let u = hessian.inverse.upperFactor
    let (scales, zeros) = scales(layout)
    var codes = [Int8](repeating: 0, count: rows * columns)
    var decided = [Int](repeating: columns, count: rows)
    for row in 0..<rows {
      var w = first.map { Double(weights[row * columns + $0]) }
      for place in 0..<columns {
        let group = row * layout.groupCount + first[place] / layout.groupSize
        let (scale, zero) = (Double(scales[group]), Double(zeros[group]))
        let range = layout.codes.range
        let steps = w[place] / scale
        if abs(abs(steps - steps.rounded()) - 0.5) < 2e-4 { decided[row] = min(decided[row], place) }
        let code = min(Double(range.upperBound), max(Double(range.lowerBound), steps.rounded() + zero))
        codes[row * columns + first[place]] = Int8(code)
        let error = (w[place] - scale * (code - zero)) / u[place, place]
        for later in place + 1..<max(place + 1, columns) { w[later] -= error * u[place, later] }
      }
    }
    return (codes, decided)
  }

  /// `sum over rows of (w - ŵ)^T H (w - ŵ)`.
  private func loss(_ codes: [Int8], _ layout: PanelLayout) -> Double {
    let (scales, zeros) = scales(layout)
    return (0..<rows).reduce(0.0) { sum, row in
      let errors = (0..<columns).map { column in
        let group = row * layout.groupCount + column / layout.groupSize
        let value = Double(scales[group]) * (Double(codes[row * columns + column]) - Double(zeros[group]))
        return Double(weights[row * columns + column]) - value
      }
      return sum
        + errors.indices.reduce(0.0) { inner, a in
          inner + errors[a] * errors.indices.reduce(0.0) { $0 + Double(second(a, $1)) * errors[$1] }
        }
    }
  }

  @Test(
    "Codes are those of GPTQ with the inverse Hessian up to a tie, and the outputs' error is within 1 %",
    arguments: [("int4", 32), ("int4", 64), ("int4", 128), ("int8", 64)])
  func textbook(family: String, groupSize: Int) throws {
    let encoding: TensorEncoding =
      family == "int4" ? .int4(groupSize: groupSize) : .int8(groupSize: groupSize)
    let layout = try PanelLayout(encoding: encoding, rows: rows, columns: columns)
    let (own, (twin, decided)) = (try round(layout), textbook(layout))
    for row in 0..<rows {
      let places = order.reversed().prefix(decided[row]).map { row * columns + $0 }
      #expect(places.map { own[$0] } == places.map { twin[$0] }, "row \(row)")
    }
    let total = decided.reduce(0, +)
    #expect(total > 9 * rows * columns / 10, "nearly all codes can be compared")
    let (ownLoss, twinLoss) = (loss(own, layout), loss(twin, layout))
    #expect(abs(ownLoss - twinLoss) <= 0.01 * twinLoss)
    let (scales, zeros) = scales(layout)
    let nearest = (0..<rows * columns).map { index -> Int8 in
      let group = index / columns * layout.groupCount + index % columns / layout.groupSize
      let range = layout.codes.range
      let code = (weights[index] / scales[group]).rounded() + Float(zeros[group])
      return Int8(min(Float(range.upperBound), max(Float(range.lowerBound), code)))
    }
    #expect(ownLoss < 0.5 * loss(nearest, layout), "feedback is worth it")
  }

  @Test("Every instruction set gives the same codes", arguments: KernelSet.available.map(\.name))
  func kernels(name: String) throws {
    let layout = try PanelLayout(encoding: .int4(groupSize: 64), rows: rows, columns: columns)
    let kernels = try #require(KernelSet.available.first { $0.name == name })
    #expect(try round(layout, kernels: kernels) == round(layout, kernels: KernelSet.named("portable")))
  }
}
