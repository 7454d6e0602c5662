import CogBase
import CogCompute
import CogInspect
import CogTestSupport
import Foundation
import Testing

/// Comparisons of planted tensors, which a person can check.
@Suite struct TensorDiffTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ tensors: [(name: String, type: String, shape: [Int], values: [Float])]) throws
    -> String
  {
    try PlantedTensors.write(
      tensors.map { tensor in
        let bytes =
          switch tensor.type {
          case "BF16": PlantedTensors.bfloat16(tensor.values)
          case "F8_E4M3": tensor.values.map { UInt8($0) }
          default: PlantedTensors.bytes(tensor.values)
          }
        return (tensor.name, tensor.type, tensor.shape, bytes)
      }, in: folder)
  }

  private func pair(_ a: [Float], _ b: [Float], shape: [Int], types: (String, String) = ("F32", "F32")) throws
    -> TensorDiff
  {
    try TensorDiffPass.run(
      opening: write([("t", types.0, shape, a)]), b: write([("t", types.1, shape, b)]))
  }

  @Test("Measures are those of the formulas, with the place of the largest difference and of the worst group")
  func measures() throws {
    var a = [Float](repeating: 1, count: 2 * 130)
    let b = a
    a[130 + 129] = 1.5  // the last, short group of the second row
    a[3] = 0.5
    let diff = try pair(a, b, shape: [2, 130])
    let tensor = try #require(diff.tensors.first)
    #expect(!tensor.isIdentical && tensor.maxAbs == 0.5 && tensor.maxAbsAt == [0, 3])
    #expect(abs((tensor.relativeL2 ?? 0) - (0.5 / 260).squareRoot()) < 1e-15)
    #expect(abs((tensor.sqnr ?? 0) - 10 * log10(260 / 0.5)) < 1e-12)
    #expect(tensor.worstGroup?.row == 1 && tensor.worstGroup?.group == 2 && tensor.worstGroup?.size == 64)
    #expect(abs((tensor.worstGroup?.relativeL2 ?? 0) - (0.25 / 2).squareRoot()) < 1e-15)
    #expect(diff.total.relativeL2 == tensor.relativeL2)
    #expect(diff.passes(limit: 0.05) && !diff.passes(limit: 0.04))
  }

  @Test("Equal values in another type are equal, and not identical")
  func otherType() throws {
    let tensor = try #require(try pair([1, 2], [1, 2], shape: [2], types: ("F32", "BF16")).tensors.first)
    #expect(!tensor.isIdentical && tensor.relativeL2 == 0 && tensor.sqnr == .infinity && tensor.cosine == 1)
    #expect(tensor.maxAbsAt == nil && tensor.worstGroup == nil)
    #expect(try pair([1, 2], [1, 2], shape: [2]).tensors.first?.isIdentical == true)
    // The sign of a zero is a bit.
    let zeros = try #require(try pair([-0.0], [0], shape: [1]).tensors.first)
    #expect(!zeros.isIdentical && zeros.relativeL2 == 0)
  }

  @Test(
    "Zeros as a reference make any difference infinite; a NaN or infinity in one source only makes it NaN"
  )
  func extremes() throws {
    let zero = try pair([0, 1], [0, 0], shape: [1, 2])
    #expect(
      zero.tensors.first?.relativeL2 == .infinity && zero.tensors.first?.worstGroup?.relativeL2 == .infinity)
    #expect(!zero.passes(limit: 1e300))
    let broken = try pair([1, .nan, 3], [1, 2, 3], shape: [1, 3])
    let tensor = try #require(broken.tensors.first)
    #expect(tensor.notFinite == 1 && tensor.firstNotFinite == [0, 1] && tensor.relativeL2?.isNaN == true)
    #expect(!broken.passes(limit: .infinity) && broken.total.relativeL2.isNaN)
    let same = try pair([.infinity, 1], [.infinity, 1], shape: [2])
    #expect(same.tensors.first?.isIdentical == true && same.tensors.first?.relativeL2 == 0)
    let empty = try pair([], [], shape: [0, 3])
    #expect(empty.tensors.first?.isIdentical == true && empty.passes(limit: 0))
  }

  @Test("Tensors that one side lacks or has in another shape are named, and fail every limit")
  func missing() throws {
    let a = try write([("both", "F32", [1], [1]), ("onlyA", "F32", [1], [1]), ("shape", "F32", [2], [1, 2])])
    let b = try write([
      ("both", "F32", [1], [1]), ("onlyB", "F32", [1], [1]), ("shape", "F32", [1, 2], [1, 2]),
    ])
    let diff = try TensorDiffPass.run(opening: a, b: b)
    #expect(diff.missingInA == ["onlyB"] && diff.missingInB == ["onlyA"])
    #expect(diff.misshapen.map(\.name) == ["shape"] && diff.tensors.map(\.name) == ["both"])
    #expect(!diff.passes(limit: 1))
    let filtered = try TensorDiffPass.run(opening: a, b: b, filter: TensorFilter(names: ["both"]))
    #expect(filtered.passes(limit: 0))
    #expect(throws: CogError.self) {
      try TensorDiffPass.run(opening: a, b: b, filter: TensorFilter(names: ["none"]))
    }
  }

  /// Values that look random and are the same in every run.
  private func noise(_ count: Int, seed: UInt32) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Float(state >> 8) / Float(1 << 23) - 1
    }
  }

  @Test("Scaled, unrelated and partly zeroed tensors are told from those with an ordinary error")
  func diagnoses() throws {
    let b = noise(1024, seed: 1)
    func diagnosis(_ a: [Float]) throws -> TensorDiff.Tensor.Diagnosis? {
      try #require(try pair(a, b, shape: [8, 128]).tensors.first).diagnosis
    }
    guard case .scaled(let factor, let other) = try diagnosis(b.map { $0 * 1.5 }) else {
      throw CogError("expected a factor")
    }
    #expect(abs(factor - 1.5) < 1e-6 && abs((other ?? 0) - 0.5) < 1e-6)
    guard case .scaled(let negative, nil) = try diagnosis(b.map { $0 * -2 }) else {
      throw CogError("expected one factor")
    }
    #expect(abs(negative + 2) < 1e-6)
    #expect(try diagnosis(noise(1024, seed: 7)) == .unrelated)
    var zeroed = b
    for index in 192..<256 { zeroed[index] = 0 }
    #expect(try diagnosis(zeroed) == .zeroGroup)
    #expect(try diagnosis([.nan] + b.dropFirst()) == .notFinite)
    #expect(try diagnosis(b) == nil)
    #expect(try diagnosis(zip(b, noise(1024, seed: 3)).map { $0 + 0.05 * $1 }) == nil)
  }

  @Test("Two tensors that stand under each other's names are found, and others of their shape are not")
  func swapped() throws {
    let (one, two, three) = (noise(256, seed: 1), noise(256, seed: 2), noise(256, seed: 3))
    let b = try write([
      ("a", "F32", [4, 64], one), ("b", "F32", [4, 64], two), ("c", "F32", [4, 64], three),
    ])
    let a = try write([
      ("a", "F32", [4, 64], two), ("b", "F32", [4, 64], one), ("c", "F32", [4, 64], noise(256, seed: 4)),
    ])
    #expect(try TensorDiffPass.run(opening: a, b: b).swapped.map { [$0.first, $0.second] } == [["a", "b"]])
    #expect(try TensorDiffPass.run(opening: b, b: b).swapped.isEmpty)
    // The values count, in whatever type they are, and two pairs of the same values are two pairs.
    let (values, others): ([Float], [Float]) = ([1, 2, 3, 4], [4, 3, 2, 1])
    let names = ["a", "b", "c", "d"]
    let pairs = try TensorDiffPass.run(
      opening: write(names.map { ($0, "BF16", [4], "ac".contains($0) ? values : others) }),
      b: write(names.map { ($0, "F32", [4], "ac".contains($0) ? others : values) }))
    #expect(pairs.swapped.map { [$0.first, $0.second] } == [["a", "b"], ["c", "d"]])
  }

  @Test("Tensors that have changed alike are not swapped: norms that are gone, the same step in frequencies")
  func changedAlike() throws {
    let ones = [Float](repeating: 1, count: 64)
    let frequencies = (0..<64).map { 1 / Float($0 + 1) }
    var stepped = frequencies
    stepped[7] = stepped[7].nextUp
    for (a, b) in [([Float](repeating: 0, count: 64), ones), (stepped, frequencies)] {
      let diff = try TensorDiffPass.run(
        opening: write([("x", "F32", [64], a), ("y", "F32", [64], a)]),
        b: write([("x", "F32", [64], b), ("y", "F32", [64], b)]))
      #expect(diff.tensors.allSatisfy { !$0.isIdentical } && diff.swapped.isEmpty)
    }
  }

  @Test("A tensor that is far off among others of its types stands apart")
  func apart() throws {
    let values = (0..<9).map { noise(256, seed: UInt32($0)) }
    func tensors(_ error: (Int) -> Float) -> [(name: String, type: String, shape: [Int], values: [Float])] {
      values.enumerated().map { index, values in
        let changed = zip(values, noise(256, seed: 99)).map { $0 + error(index) * $1 }
        return ("t\(index)", "F32", [4, 64], changed)
      }
    }
    let b = try write(tensors { _ in 0 })
    #expect(try TensorDiffPass.run(opening: write(tensors { _ in 0.05 }), b: b).apart.isEmpty)
    let apart = try TensorDiffPass.run(opening: write(tensors { $0 == 4 ? 0.5 : 0.05 }), b: b).apart
    #expect(apart.keys.sorted() == ["t4"] && (5...15).contains(apart["t4"] ?? 0))
  }

  @Test("Types that have no values here are compared by their bytes")
  func bytesOnly() throws {
    let same = try pair([1, 2], [1, 2], shape: [2], types: ("F8_E4M3", "F8_E4M3"))
    #expect(same.tensors.first?.isIdentical == true && same.passes(limit: 0) && same.total.relativeL2 == 0)
    let other = try pair([1, 2], [1, 3], shape: [2], types: ("F8_E4M3", "F8_E4M3"))
    #expect(other.tensors.first?.relativeL2 == nil && !other.passes(limit: 1) && other.notes.count == 1)
  }

  @Test("Any number of threads gives the same comparison, long rows and many chunks included")
  func threads() throws {
    let b = (0..<3 * 70_001).map { Float($0 % 977) / 100 - 4 }
    let a = b.enumerated().map { $1 + Float($0 % 31) * 1e-3 }
    for shape in [[3, 70_001], [70_001, 3], [3 * 70_001]] {
      let catalogs = try [a, b].map { try openedTensors(write([("t", "F32", shape, $0)])) }
      let results = try [1, 2, 5].map { threads in
        try TensorDiffPass.run(
          catalogs[0], catalogs[1], RunContext(threads: ThreadPool(threadCount: threads)))
      }
      #expect(results[1] == results[0] && results[2] == results[0])
      let (noise, signal) = zip(a, b).reduce((0.0, 0.0)) { sums, pair in
        let (x, y) = (Double(pair.0), Double(pair.1))
        return (sums.0 + (x - y) * (x - y), sums.1 + y * y)
      }
      #expect(abs((results[0].tensors[0].relativeL2 ?? 0) - (noise / signal).squareRoot()) < 1e-12)
    }
  }
}
