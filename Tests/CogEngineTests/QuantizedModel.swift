import CogBase
import CogCompute
import CogEngine
import CogNative
import CogQuantize
import CogTestSupport
import Foundation

/// The committed models quantized with the default recipe, each made once.
enum QuantizedModel {
  private static let folder = Result { try TemporaryFolder() }
  private static let sample = Result { try make("sample") }
  private static let tiny = Result { try make("tiny") }

  /// The path of a quantized model: "sample" or "tiny".
  static func path(_ name: String) throws -> String { try (name == "sample" ? sample : tiny).get() }

  private static func make(_ name: String) throws -> String {
    let path = try folder.get().path("\(name).int4.cogvlm")
    let source = try ModelSource.open(path: Fixtures.path("\(name)/checkpoint"))
    let recipe = try QuantizationRecipe(preset: QuantizationRecipe.presets[0])
    try Conversion(source: source, recipe: recipe, options: .init(tool: "test"), context: RunContext())
      .run(into: NativeSink(path: path))
    return path
  }
}
