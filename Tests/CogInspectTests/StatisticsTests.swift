import CogBase
import CogCheckpoint
import CogCompute
import CogInspect
import CogTestSupport
import Foundation
import Synchronization
import Testing

/// Figures of planted tensors, which a person can check.
@Suite struct StatisticsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A safetensors file of tensors whose bytes are given.
  private func write(_ tensors: [(name: String, type: String, shape: [Int], bytes: [UInt8])]) throws -> String
  {
    try PlantedTensors.write(tensors, in: folder)
  }

  private func bytes<Value: BitwiseCopyable>(_ values: [Value]) -> [UInt8] { PlantedTensors.bytes(values) }

  private func bfloat16(_ values: [Float]) -> [UInt8] { PlantedTensors.bfloat16(values) }

  private func tensor(_ type: String, _ shape: [Int], _ bytes: [UInt8]) throws -> TensorStatistics {
    let report = try StatisticsPass.run(opening: write([("t", type, shape, bytes)]))
    return try #require(report.tensors.first)
  }

  @Test(
    "Zeros, subnormal numbers, NaN and infinities are counted; the other figures are of finite elements"
  )
  func plantedValues() throws {
    let values: [Float] = [1, -3, 0, -0.0, .nan, .infinity, -.infinity, Float(bitPattern: 0x0001_0000), 2]
    for (type, encoded) in [("BF16", bfloat16(values)), ("F32", bytes(values))] {
      let figures = try tensor(type, [3, 3], encoded).figures
      #expect(figures.count == 9 && figures.zeros == 2 && figures.nan == 1 && figures.infinite == 2)
      #expect(figures.subnormals == 1 && figures.isExact)
      #expect(figures.minimum == -3 && figures.maximum == 2 && figures.absoluteMaximum == 3)
      #expect(abs((figures.mean ?? 9) - 0) < 1e-30)
      // Magnitudes 0, 0, tiny, 1, 2, 3: the median is half way between the third and the fourth.
      #expect(abs((figures.percentiles[2].value) - 0.5) < 1e-30)
      #expect(figures.histogram?.counts.reduce(0, +) == 6)
      // Nine different patterns.
      #expect(abs((figures.entropyBits ?? 0) - log2(9)) < 1e-12)
    }
    // What is subnormal depends on the type: 2^-15 is in F16, and nowhere else.
    #expect(try tensor("F16", [2], bytes([Float16(0x1p-15), 1])).figures.subnormals == 1)
    #expect(try tensor("F32", [2], bytes([Float(0x1p-15), 1])).figures.subnormals == 0)
  }

  @Test(
    "A NaN that shares its bin with infinity, and a small number that shares its bin with 0, are told apart")
  func sharedBins() throws {
    let values = [0x7F80_0001, 0x7F80_0000, 0xFF80_0001, 0x0000_0001, 0, 0x3F80_0000].map { UInt32($0) }
    let figures = try tensor("F32", [6], bytes(values)).figures
    #expect(figures.nan == 2 && figures.infinite == 1 && figures.subnormals == 1 && figures.zeros == 1)
    #expect(!figures.isExact && figures.percentileError == 0x1p-9)
  }

  @Test("Constant, zero and empty tensors and scalars have the figures that they can have")
  func degenerate() throws {
    let constant = try tensor("BF16", [40_000], bfloat16([Float](repeating: 0.1875, count: 40_000))).figures
    #expect(constant.standardDeviation == 0 && constant.kurtosis == nil && constant.mean == 0.1875)
    #expect(constant.entropyBits == 0 && constant.percentiles.allSatisfy { $0.value == 0.1875 })
    #expect(constant.histogram?.minimum == -0.3125 && constant.histogram?.counts[32] == 40_000)
    let odd = try tensor("F32", [40_000], bytes([Float](repeating: 0.1, count: 40_000))).figures
    #expect(odd.standardDeviation == 0 && odd.mean == Double(Float(0.1)) && odd.kurtosis == nil)
    let zeros = try tensor("BF16", [2, 3], bfloat16([0, -0.0, 0, 0, 0, 0]))
    #expect(zeros.figures.zeros == 6 && zeros.figures.exponents == nil && zeros.rows?.outlierRatio == nil)
    let notFinite = try tensor("F32", [2], bytes([Float.nan, .infinity])).figures
    #expect(notFinite.count == 2 && notFinite.minimum == nil && notFinite.percentiles.isEmpty)
    for shape in [[0], [0, 4], [3, 0]] {
      let empty = try tensor("BF16", shape, [])
      #expect(empty.figures == Figures() && empty.rows == nil && empty.columns == nil)
    }
    let scalar = try tensor("F32", [], bytes([Float(-2.5)]))
    #expect(
      scalar.figures.count == 1 && scalar.figures.mean == -2.5 && scalar.rows?.worst.first?.maximum == 2.5)
  }

  @Test("Channels are rows and columns; with four dimensions the first two, with one every element")
  func channels() throws {
    var values = [Float](repeating: 1, count: 2 * 3 * 2 * 2)
    values[1 * 12 + 2 * 4 + 3] = -8  // output 1, input 2
    let convolution = try tensor("BF16", [2, 3, 2, 2], bfloat16(values))
    #expect(convolution.rows?.worst.map(\.index) == [1, 0])
    #expect(convolution.columns?.count == 3 && convolution.columns?.worst.first?.index == 2)
    #expect(convolution.columns?.outlierRatio == 8)
    let stacked = try tensor("F32", [1, 1, 3], bytes([Float(1), 5, 2]))
    #expect(stacked.rows?.count == 1 && stacked.columns?.worst.map(\.index) == [1, 2, 0])
    let vector = try tensor("F16", [3], bytes([Float16(1), 5, 2]))
    #expect(vector.rows?.worst.map(\.maximum) == [5, 2, 1] && vector.columns == nil)
  }

  @Test("Groups of zeros are counted by row, in pieces of long rows too, and never in vectors")
  func zeroGroups() throws {
    var values = [Float](repeating: 1, count: 3 * 100)
    for index in 64..<100 { values[100 + index] = index.isMultiple(of: 2) ? 0 : -0.0 }
    for (type, encoded) in [("BF16", bfloat16(values)), ("F32", bytes(values))] {
      let groups = try #require(try tensor(type, [3, 100], encoded).zeroGroups)
      #expect(groups.count == 1 && groups.row == 1 && groups.group == 1 && groups.size == 64)
      #expect(groups.rows == 0)
      #expect(try tensor(type, [300], encoded).zeroGroups == nil)
    }
    // Rows of more than 2^15 elements are shared by threads.
    var long = [Float](repeating: 1, count: 2 * 40_000)
    for index in 64 * 600..<64 * 602 { long[40_000 + index] = 0 }
    let groups = try #require(try tensor("F32", [2, 40_000], bytes(long)).zeroGroups)
    #expect(groups.count == 2 && groups.row == 1 && groups.group == 600)
  }

  @Test("The first element that is not finite is placed by its indices, where there is one")
  func firstNotFinite() throws {
    var values = [Float](repeating: 1, count: 2 * 3 * 40_000)
    (values[40_000 * 4 + 35_000], values[40_000 * 5]) = (.infinity, .nan)
    for (type, encoded) in [("BF16", bfloat16(values)), ("F32", bytes(values))] {
      let place = [1, 1, 35_000]
      #expect(try tensor(type, [2, 3, 40_000], encoded).firstNotFinite == place)
    }
    #expect(try tensor("F32", [2], bytes([Float(1), 2])).firstNotFinite == nil)
  }

  /// Five layers of four matrices that differ by a few percent, with one value changed by `change`.
  private func layers(_ change: (_ layer: Int, _ role: String) -> Float) throws -> StatisticsReport {
    let tensors = (0..<5).flatMap { layer in
      ["a", "b", "c", "d"].map { role -> (name: String, type: String, shape: [Int], bytes: [UInt8]) in
        let scale = (1 + 0.02 * Float(layer)) * change(layer, role)
        return ("model.layers.\(layer).\(role).weight", "F32", [2, 2], bytes([scale, -scale, scale, scale]))
      }
    }
    return try StatisticsPass.run(opening: write(tensors))
  }

  @Test("Tensors and layers of another scale than their like stand out, and equal ones do not")
  func findings() throws {
    #expect(try layers { _, _ in 1 }.findings.isEmpty)
    let one = try layers { layer, role in layer == 3 && role == "b" ? 1.5 : 1 }.findings
    #expect(one.map(\.tensor.name) == ["model.layers.3.b.weight"])
    guard case .scale(let factor) = one.first?.kind else { throw CogError("expected a scale") }
    #expect(abs(factor - 1.5 * 1.06 / 1.04) < 1e-6)
    let layer = try layers { layer, _ in layer == 1 ? 1 / 1.3 : 1 }.findings
    #expect(layer.map(\.tensor.layer) == [String?](repeating: "model.layers.1", count: 4))
    let broken = try layers { layer, role in layer == 0 && role == "d" ? .nan : 1 }.findings
    #expect(broken.first?.kind == .notFinite(nan: 4, infinite: 0))
    let zeros = try layers { layer, role in layer == 2 && role == "a" ? 0 : 1 }.findings
    #expect(zeros.map(\.tensor.name) == ["model.layers.2.a.weight"])
  }

  @Test("Whole rows of zeros in a table of embeddings do not stand out, and part of one does")
  func unusedTokens() throws {
    var values = [Float](repeating: 1, count: 3 * 128)
    for index in 128..<256 { values[index] = 0 }
    let path = try write([("model.embed_tokens.weight", "BF16", [3, 128], bfloat16(values))])
    let report = try StatisticsPass.run(opening: path)
    #expect(report.tensors.first?.zeroGroups?.rows == 1 && report.findings.isEmpty)
    values[128] = 1
    let partly = try write([("model.embed_tokens.weight", "BF16", [3, 128], bfloat16(values))])
    #expect(try StatisticsPass.run(opening: partly).findings.count == 1)
  }

  @Test(
    "Integers and doubles are measured as float32, with a note where it rounds; other types are left out"
  )
  func otherTypes() throws {
    let path = try write([
      ("bytes", "U8", [4], [0, 1, 255, 7]), ("ids", "I64", [2], bytes([Int64(-5), 128_002])),
      ("double", "F64", [2], bytes([1e300, 0.1])), ("small", "F8_E4M3", [2], [1, 2]),
    ])
    let report = try StatisticsPass.run(opening: path)
    #expect(report.tensors.map(\.name) == ["bytes", "ids", "double"])
    #expect(report.tensors[0].figures.maximum == 255 && report.tensors[0].figures.isExact)
    #expect(report.tensors[1].figures.minimum == -5 && report.tensors[1].figures.maximum == 128_002)
    #expect(report.tensors[2].figures.infinite == 1)
    #expect(
      report.notes.count == 3 && report.notes.contains { $0.hasPrefix("small: elements of type F8_E4M3") })
  }

  @Test("Rows longer than a chunk, odd sizes and any number of threads give the same figures")
  func threads() throws {
    var state: UInt64 = 9
    let values = (0..<3 * 70_001).map { _ -> Float in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(UInt32(truncatingIfNeeded: state >> 32)) / 4_294_967_296 - 0.25
    }
    for shape in [[3, 70_001], [70_001, 3], [3 * 70_001], [1, 3 * 70_001]] {
      for (type, encoded) in [("F32", bytes(values)), ("BF16", bfloat16(values))] {
        let catalog = try openedTensors(write([("t", type, shape, encoded)]))
        let reports = try [1, 2, 5].map { threads in
          try StatisticsPass.run(catalog, RunContext(threads: ThreadPool(threadCount: threads)))
        }
        #expect(reports[1] == reports[0] && reports[2] == reports[0])
        let tensor = try #require(reports[0].tensors.first)
        let stored = type == "F32" ? values : values.map { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) }
        let mean = stored.reduce(0) { $0 + Double($1) } / Double(stored.count)
        let variance =
          stored.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(stored.count)
        #expect(abs((tensor.figures.mean ?? 0) - mean) < 1e-12)
        #expect(abs((tensor.figures.standardDeviation ?? 0) - variance.squareRoot()) < 1e-12)
        #expect(Float(tensor.figures.maximum ?? 0) == stored.max())
        let rows = shape.count == 1 ? shape[0] : shape[0]
        let columns = stored.count / rows
        let maxima = (0..<rows).map { row in
          stored[row * columns..<(row + 1) * columns].map(abs).max() ?? 0
        }
        #expect(tensor.rows?.worst.first?.maximum == maxima.max().map(Double.init))
        #expect(tensor.rows?.worst.first?.index == maxima.firstIndex(of: maxima.max() ?? 0))
      }
    }
  }

  /// Work that is stopped at once.
  private struct Cancelled: Cancellation {
    func check() throws { throw CancellationError() }
  }

  @Test("What the cancellation throws ends the pass")
  func interruption() throws {
    let catalog = try openedTensors(write([("t", "BF16", [4], [UInt8](repeating: 1, count: 8))]))
    #expect(throws: CancellationError.self) {
      try StatisticsPass.run(catalog, RunContext(cancellation: Cancelled()))
    }
  }

  @Test("Filters join conditions, and one that fits nothing says what there is")
  func filters() throws {
    let filter = TensorFilter(names: ["*.weight"], parts: ["language"], layers: 1...2)
    #expect(filter.takes(name: "model.layers.1.a.weight", part: "language"))
    for (name, part) in [
      ("model.layers.1.a.bias", "language"), ("model.layers.1.a.weight", "vision"),
      ("model.layers.3.a.weight", "language"), ("model.norm.weight", "language"),
    ] { #expect(!filter.takes(name: name, part: part)) }
    #expect(TensorFilter.layers("3") == 3...3 && TensorFilter.layers("0-31") == 0...31)
    for text in ["", "-", "3-", "5-3", "a", "1-2-3", "-1", "+1", "99999999999999999999"] {
      #expect(TensorFilter.layers(text) == nil, "\(text)")
    }
    let path = try write([("model.layers.0.w", "BF16", [1], [0, 0])])
    let error = #expect(throws: CogError.self) {
      try StatisticsPass.run(opening: path, filter: TensorFilter(parts: ["vision"], layers: 4...5))
    }
    let text = error?.description ?? ""
    #expect(text.contains("--part vision --layers 4-5") && text.contains("model.layers"))
  }

  @Test("A layer is what stands before the first number of a name")
  func layerNames() {
    #expect(
      LayerName(tensor: "model.vision.transformer.layers.12.mlp.fc1.bias")?.description
        == "model.vision.transformer.layers.12")
    #expect(LayerName(tensor: "model.layers.3")?.index == 3)
    for name in ["lm_head.weight", "3.weight", "", "model.layers.x"] {
      #expect(LayerName(tensor: name) == nil)
    }
    let order = ["b.2", "b.10", "a.11"].compactMap(LayerName.init(tensor:)).sorted().map(\.description)
    #expect(order == ["a.11", "b.2", "b.10"])
  }
}
