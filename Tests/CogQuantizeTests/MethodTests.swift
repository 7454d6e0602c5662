import CogBase
import CogCompute
import CogModel
import CogNative
import CogQuantize
import CogTestSupport
import Foundation
import Testing

/// What every method must do: the tests loop over the list of them.
@Suite("Quantization methods")
struct MethodTests {
  private let folder: TemporaryFolder
  private let model: SyntheticModel
  private static let offers: [QuantizationOffer<Void>] = QuantizationMethods.builtIn()
  private static let names = offers.map(\.name)

  private static func method(_ name: String) throws -> any QuantizationMethod {
    try QuantizationMethods.named(name, among: offers).make(())
  }

  init() throws {
    folder = try TemporaryFolder()
    model = try SyntheticModel()
  }

  private func quantize(
    _ method: String, _ preset: String, to name: String = "out.cogvlm", threads: Int = 2
  ) throws -> ConversionSummary {
    var recipe = try QuantizationRecipe(preset: preset)
    recipe.method = try Self.method(method)
    return try Conversion(
      source: model.source(), recipe: recipe, options: .init(tool: "test 1"),
      context: .test(threads: ThreadPool(threadCount: threads))
    ).run(into: NativeSink(path: folder.path(name)))
  }

  @Test("The file says which method was at work, and no two methods say the same")
  func record() throws {
    var records: Set<String> = []
    for name in Self.names {
      _ = try quantize(name, "int4")
      let record = try NativeFile(path: folder.path("out.cogvlm")).metadata.recipe.method
      #expect(try record == Self.method(name).record)
      #expect(records.insert(record).inserted)
    }
    #expect(records.contains("least squared error over scales and zero points"))
    let unknown = #expect(throws: CogError.self) { try Self.method("best") }
    #expect(unknown?.subject == "--method" && unknown?.expected == Self.names.joined(separator: " or "))
  }

  @Test(
    "The recorded error is that of the values in the file, and no larger than plain rounding's",
    arguments: names, QuantizationRecipe.presets)
  func error(method: String, preset: String) throws {
    let plain = try quantize("absmax", preset, to: "plain.cogvlm")
    let summary = try quantize(method, preset)
    let file = try NativeFile(path: folder.path("out.cogvlm"))
    for (line, reference) in zip(summary.tensors, plain.tensors) where line.isQuantized {
      let entry = try #require(file.entry(named: line.name))
      let layout = try PanelLayout(encoding: entry.encoding, shape: entry.shape)
      var values = [Float](repeating: 0, count: entry.shape.elementCount)
      try file.bytes(of: entry).withUnsafeBytes { bytes in
        try values.withUnsafeMutableBufferPointer {
          try KernelSet.fastest.dequantize(bytes, layout: layout, rows: 0..<layout.rows, into: $0)
        }
      }
      let weights = model.values(line.name)
      let lost = zip(weights, values).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
      let squares = weights.reduce(0.0) { $0 + Double($1) * Double($1) }
      let relative = Float((lost / squares).squareRoot())
      #expect(abs(relative - line.error.relativeRMS) <= 1e-5 * relative, "\(line.name)")
      #expect(line.error.relativeRMS <= reference.error.relativeRMS, "\(line.name)")
    }
  }

  @Test("The number of threads does not show", arguments: names)
  func threads(method: String) throws {
    for threads in [1, 3] { _ = try quantize(method, "int4-fine", to: "\(threads)", threads: threads) }
    #expect(FileManager.default.contentsEqual(atPath: folder.path("1"), andPath: folder.path("3")))
  }

  @Test("A weight that is not finite is refused with tensor, row and column", arguments: names)
  func notFinite(method: String) throws {
    let name = "model.layers.1.mlp.language_mlp.up_proj.weight"
    model.change(name) { $0[72 * 100 + 5] = .infinity }
    let error = #expect(throws: CogError.self) { _ = try quantize(method, "int8") }
    #expect(error?.code == .notFinite && error?.subject == "\(name), row 100, column 5")
    #expect(try folder.contents().isEmpty)
  }
}
