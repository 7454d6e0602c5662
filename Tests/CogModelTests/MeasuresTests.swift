import CogModel
import Foundation
import Testing

@Suite struct MeasuresTests {
  private static func sums(_ a: [Float], _ b: [Float]) -> MeasureSums {
    var sums = MeasureSums()
    a.withUnsafeBufferPointer { a in b.withUnsafeBufferPointer { sums.add(a, reference: $0) } }
    return sums
  }

  @Test("Measures are those of the formulas, over one value or several as if they were one")
  func formulas() {
    var generator = SystemRandomNumberGenerator()
    for count in [1, 2, 17, 500] {
      let a = (0..<count).map { _ in Float.random(in: -2...2, using: &generator) }
      let b = (0..<count).map { _ in Float.random(in: -2...2, using: &generator) }
      func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
      let (x, y) = (a.map(Double.init), b.map(Double.init))
      let error = norm(zip(x, y).map { $0 - $1 }) / norm(y)
      let cosine = zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } / (norm(x) * norm(y))
      let whole = Self.sums(a, b)
      let measures = whole.measures
      #expect(abs(measures.relativeL2 - error) <= 1e-12 * error)
      #expect(abs(measures.cosine - cosine) <= 1e-12)
      #expect(measures.maxAbs == zip(x, y).map { abs($0 - $1) }.max())
      #expect(abs(measures.sqnr - -20 * log10(error)) <= 1e-9)
      let half = count / 2
      var parts = Self.sums(Array(a[..<half]), Array(b[..<half]))
      parts.add(Self.sums(Array(a[half...]), Array(b[half...])))
      #expect(parts.count == whole.count && parts.measures.maxAbs == measures.maxAbs)
      #expect(abs(parts.measures.relativeL2 - measures.relativeL2) <= 1e-12 * error)
    }
  }

  @Test("Zeros, equal values and values that are no numbers have the measures that are written down")
  func edges() {
    let equal = Self.sums([1, -2], [1, -2]).measures
    #expect(equal.relativeL2 == 0 && equal.cosine == 1 && equal.maxAbs == 0 && equal.sqnr == .infinity)
    let zeros = Self.sums([0, 0], [0, 0]).measures
    #expect(zeros == Measures.none && zeros.relativeL2 == 0 && zeros.cosine == 1)
    let lost = Self.sums([0, 0], [3, 4]).measures
    #expect(lost.relativeL2 == 1 && lost.cosine == 0 && lost.sqnr == 0)
    let made = Self.sums([3, 4], [0, 0]).measures
    #expect(made.relativeL2 == .infinity && made.cosine == 0 && made.sqnr == -.infinity)
    for broken in [Self.sums([.nan, 1], [1, 1]), Self.sums([1], [1, 1])] {
      var sums = Self.sums([1, 2], [1, 2])
      sums.add(broken)
      let measures = sums.measures
      #expect(measures.relativeL2.isNaN && measures.maxAbs.isNaN && measures.cosine.isNaN)
    }
  }
}
