import CogBase
import CogCompute
import CogModel
import CogNative
import CogQuantize
import CogTestSupport
import Foundation
import Testing

@Suite("Quantized files")
struct QuantizeTests {
  private let folder: TemporaryFolder
  private let model: SyntheticModel
  private var out: String { folder.path("out.cogvlm") }

  init() throws {
    folder = try TemporaryFolder()
    model = try SyntheticModel()
  }

  @discardableResult
  private func quantize(
    _ preset: String, to path: String? = nil, options: Conversion.Options = .init(tool: "test 1"),
    context: RunContext? = nil
  ) throws -> ConversionSummary {
    try Conversion(
      source: model.source(), recipe: .init(preset: preset), options: options,
      context: context ?? .test()
    ).run(into: NativeSink(path: path ?? out))
  }

  @Test(
    "errors in summary and file are a twin's from the decoded values", arguments: QuantizationRecipe.presets)
  func errors(preset: String) throws {
    let summary = try quantize(preset)
    let file = try NativeFile(path: out)
    for (tensor, line) in zip(file.entries, summary.tensors) {
      let error = try #require(tensor.error)
      #expect(line.name == tensor.name && line.error == error && line.bytes == tensor.byteCount)
      guard let groupSize = tensor.encoding.groupSize else {
        #expect(error == .none)
        continue
      }
      let twin = try ErrorTwin(model.values(tensor.name), file.values(of: tensor), tensor.shape, groupSize)
      #expect(abs(twin.error.relativeRMS - error.relativeRMS) <= 1e-6 * twin.error.relativeRMS)
      #expect(abs(twin.error.sqnr - error.sqnr) <= 1e-4)
      #expect(abs(twin.error.worstGroup - error.worstGroup) <= 1e-6 * twin.error.worstGroup)
      // Where two groups are as bad to the last bits, either may be named.
      let named = twin.groups[error.worstRow][error.worstGroupIndex]
      #expect(abs(named - Double(twin.error.worstGroup)) <= 1e-6 * named)
    }
  }

  @Test("no tensor loses more than with scales from its smallest and largest weights")
  func quality() throws {
    for (preset, bits) in [("int4", 4), ("int8", 8)] {
      let summary = try quantize(preset)
      for tensor in summary.tensors where tensor.encoding.label == "\(preset)/64" {
        let plain = plainRoundingError(model.values(tensor.name), tensor.shape, groupSize: 64, bits: bits)
        #expect(tensor.error.relativeRMS < plain, "\(tensor.name)")
      }
    }
  }

  @Test("int4 loses at most 1 % more than the best of all scales and zero points")
  func exhaustive() throws {
    let name = "model.layers.1.self_attn.language_expert_dense.weight"
    let summary = try quantize("int4")
    let line = try #require(summary.tensors.first { $0.name == name })
    let best = exhaustiveError(model.values(name), line.shape, groupSize: 64)
    #expect(line.error.relativeRMS <= 1.01 * best)
    #expect(line.error.relativeRMS >= 0.999 * best)
  }

  @Test("the same source gives the same bytes, with any number of threads")
  func deterministic() throws {
    let first = folder.path("first.cogvlm")
    try quantize("int4", to: first)
    for threads in [1, 2, 3, 7] {
      try quantize("int4", context: .test(threads: ThreadPool(threadCount: threads)))
      #expect(FileManager.default.contentsEqual(atPath: first, andPath: out), "\(threads) threads")
    }
    for kernels in KernelSet.available {
      try quantize("int4", context: .test(kernels: kernels))
      #expect(FileManager.default.contentsEqual(atPath: first, andPath: out), "\(kernels.name)")
    }
  }

  @Test("NaN in a matrix is refused with tensor, row and column, or the matrix is kept as it is")
  func nonFinite() throws {
    let name = "model.layers.0.mlp.language_mlp.down_proj.weight"
    model.change(name) { $0[180 * 37 + 129] = .infinity }
    let error = #expect(throws: CogError.self) { try quantize("int4") }
    #expect(error?.subject == "\(name), row 37, column 129" && error?.file == "synthetic")
    #expect(try folder.contents().isEmpty)
    let summary = try quantize("int4", to: out, options: .init(tool: "test 1", nonFinite: .keep))
    let view = try NativeFile(path: out).loaded(name)
    #expect(view.elementType == .bfloat16 && view.bytes.elementsEqual(model.tensor(name)?.bytes ?? []))
    #expect(summary.warnings.count == 1 && summary.warnings[0].contains(name))
    #expect(
      summary.tensors.first { $0.name == "model.layers.1.mlp.language_mlp.down_proj.weight" }?.encoding
        == .int4(groupSize: 64))
  }

  @Test("F64 weights beyond float32 are refused, or keep their matrix as it is, with a warning")
  func beyondFloat32() throws {
    let name = "model.layers.1.mlp.language_mlp.gate_proj.weight"
    model.change(name, to: .float64) { _ in }
    model.change(name) { tensor in
      withUnsafeBytes(of: (-1e300).bitPattern.littleEndian) {
        tensor?.bytes.replaceSubrange(8..<16, with: $0)
      }
    }
    let error = #expect(throws: CogError.self) { try quantize("int4") }
    #expect(error?.subject == "\(name), row 0, column 1")
    #expect(error?.advice?.contains("--keep-non-finite") == true)
    let summary = try quantize("int4", options: .init(tool: "test 1", nonFinite: .keep))
    let view = try NativeFile(path: out).loaded(name)
    #expect(view.elementType == .float64 && view.bytes.elementsEqual(model.tensor(name)?.bytes ?? []))
    #expect(summary.warnings == ["\(name): values are beyond float32 and the matrix is kept as F64."])
  }

  @Test("NaN in a norm is refused too")
  func nonFiniteNorm() throws {
    model.change("model.norm.weight") { $0[9] = .nan }
    let error = #expect(throws: CogError.self) { try quantize("int4") }
    #expect(error?.subject == "model.norm.weight, row 9, column 0")
  }

  @Test("zeros, constants, tiny and huge weights are stored without NaN")
  func extremes() throws {
    let values: [Float] = [0, 1, -3e-30, 1e30, 65504, -1e-7]
    let names = model.table.specifications.filter(\.role.isMatrix).map(\.name)
    for (name, value) in zip(names, values) {
      model.change(name, to: .float32) { for index in $0.indices { $0[index] = value } }
    }
    for preset in ["int4", "int8"] {
      try quantize(preset)
      let file = try NativeFile(path: out)
      for (name, value) in zip(names, values) {
        let stored = try file.values(of: #require(file.entry(named: name)))
        #expect(stored.allSatisfy { $0.isFinite }, "\(name)")
        if value == 0 { #expect(stored.allSatisfy { $0 == 0 }) }
        if value == 1 { #expect(stored.allSatisfy { abs($0 - 1) < 1e-3 }) }
      }
    }
  }

  @Test("totals are the sums of the tensors")
  func totals() throws {
    let summary = try quantize("int4")
    let bytes = summary.tensors.reduce(0) { $0 + $1.bytes }
    let weights = summary.tensors.reduce(0) { $0 + $1.shape.elementCount }
    #expect(summary.parts.reduce(0) { $0 + $1.bytes } == bytes)
    #expect(summary.parts.reduce(0) { $0 + $1.weights } == weights)
    #expect(abs(summary.bitsPerWeight - Double(bytes) * 8 / Double(weights)) < 1e-9)
    #expect(abs(summary.fileRatio - Double(summary.fileBytes) / Double(2 * weights)) < 1e-9)
    let quantized = summary.tensors.filter(\.isQuantized)
    let ratio =
      Double(quantized.reduce(0) { $0 + $1.bytes })
      / Double(quantized.reduce(0) { $0 + 2 * $1.shape.elementCount })
    #expect(abs((summary.quantizedRatio ?? 0) - ratio) < 1e-12)
    let decoded = try JSONDecoder().decode(ConversionSummary.self, from: JSONEncoder().encode(summary))
    #expect(decoded == summary)
  }

  @Test("a quantized file is no source")
  func quantizedSource() throws {
    try quantize("int4")
    let file = try NativeFile(path: out)
    let error = #expect(throws: CogError.self) { try ModelSource(native: file) }
    #expect(error?.file == out && error?.subject == "model.embed_tokens.weight")
  }

  @Test("a stop in the middle leaves the unfinished work, and nothing under the name")
  func stopped() throws {
    let error = #expect(throws: Conversion.Stopped.self) {
      try quantize("int8", context: .test(cancellation: StopAfter(12)))
    }
    #expect(error?.cause is StopAfter.Stop && error?.part == out + ".part")
    #expect(error.map { $0.finished > 0 && $0.finished < $0.total } == true)
    #expect(try folder.contents().sorted() == ["out.cogvlm.part", "out.cogvlm.part.journal"])
  }
}

/// Errors of stored values, group by group, the plain way.
private struct ErrorTwin {
  let error: StorageError
  /// Relative RMS error of each group, `[row][group]`.
  let groups: [[Double]]

  init(_ values: [Float], _ stored: [Float], _ shape: Shape, _ groupSize: Int) throws {
    try #require(values.count == stored.count)
    let columns = shape.columns
    var squaredError = 0.0, squares = 0.0, worst = (0.0, row: 0, group: 0)
    var groups: [[Double]] = []
    for row in 0..<shape.rows {
      groups.append([])
      for (group, start) in stride(from: 0, to: columns, by: groupSize).enumerated() {
        let indices = row * columns + start..<row * columns + min(start + groupSize, columns)
        let groupError = indices.reduce(0.0) { $0 + pow(Double(values[$1]) - Double(stored[$1]), 2) }
        let groupSquares = indices.reduce(0.0) { $0 + Double(values[$1]) * Double(values[$1]) }
        let relative = groupSquares > 0 ? (groupError / groupSquares).squareRoot() : 0
        groups[row].append(relative)
        if relative > worst.0 { worst = (relative, row, group) }
        squaredError += groupError
        squares += groupSquares
      }
    }
    self.groups = groups
    error = StorageError(
      squaredError: squaredError, squares: squares, worstGroup: Float(worst.0), worstRow: worst.row,
      worstGroupIndex: worst.group)
  }
}

/// Relative RMS error of the plainest quantizer: the scale from the smallest and the largest weight of a
/// group, in F16.
private func plainRoundingError(_ values: [Float], _ shape: Shape, groupSize: Int, bits: Int) -> Float {
  var squaredError = 0.0, squares = 0.0
  for row in 0..<shape.rows {
    for start in stride(from: 0, to: shape.columns, by: groupSize) {
      let group = values[
        row * shape.columns + start..<row * shape.columns + min(start + groupSize, shape.columns)]
      let low = min(group.min() ?? 0, 0), high = max(group.max() ?? 0, 0)
      let scale = Float(Float16(bits == 4 ? (high - low) / 15 : max(high, -low) / 127))
      let zero = bits == 4 && scale > 0 ? (-low / scale).rounded() : 0
      for value in group {
        let limits: ClosedRange<Float> = bits == 4 ? 0...15 : -127...127
        let q =
          scale > 0 ? min(max((value / scale).rounded() + zero, limits.lowerBound), limits.upperBound) : 0
        squaredError += pow(Double(value) - Double(scale * (q - zero)), 2)
        squares += Double(value) * Double(value)
      }
    }
  }
  return Float((squaredError / squares).squareRoot())
}

/// Relative RMS error of int4 when every zero point and a fine ladder of scales is tried for every group.
private func exhaustiveError(_ values: [Float], _ shape: Shape, groupSize: Int) -> Float {
  var squaredError = 0.0
  for row in 0..<shape.rows {
    for start in stride(from: 0, to: shape.columns, by: groupSize) {
      let group = Array(
        values[row * shape.columns + start..<row * shape.columns + min(start + groupSize, shape.columns)])
      let range = (group.max() ?? 0) - (group.min() ?? 0)
      var best = Double.infinity
      for step in 40...120 {
        let scale = Float(Float16(range / 15 * Float(step) / 100))
        for zero in 0...15 {
          let error = group.reduce(0.0) { sum, value in
            let q = min(max((value / scale).rounded() + Float(zero), 0), 15)
            let difference = value - scale * (q - Float(zero))
            return sum + Double(difference * difference)
          }
          best = min(best, error)
        }
      }
      squaredError += best
    }
  }
  let squares = values.reduce(0.0) { $0 + Double($1) * Double($1) }
  return Float((squaredError / squares).squareRoot())
}
