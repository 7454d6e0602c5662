import CogBase
import CogBench
import CogCompute
import CogEngine
import CogModel
import CogNative
import CogQuantize
import CogTestSupport
import Foundation
import Synchronization
import Testing

@Suite struct SyntheticModelTests {
  /// A tiny file of a recipe.
  static func make(
    _ recipe: String = "int4", in folder: TemporaryFolder, named name: String = "tiny", threads: Int = 2
  ) throws -> String {
    let path = folder.path(name)
    try SyntheticModel(preset: .tiny, recipe: QuantizationRecipe(preset: recipe))
      .write(to: path, context: RunContext(threads: ThreadPool(threadCount: threads)))
    return path
  }

  @Test("The full preset has the published tensors: 12,507,532,544 numbers in 1,029 of them")
  func published() throws {
    let table = TensorTable(try ModelPreset.full.configuration())
    #expect(table.specifications.count == 1029)
    #expect(table.specifications.reduce(0) { $0 + $1.shape.elementCount } == 25_015_065_088 / 2)
  }

  /// Runs a Python program with the tools on its path, and returns its exit status.
  private static func python(_ program: String, _ arguments: [String] = []) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-B", "-c", program] + arguments
    process.currentDirectoryURL = Fixtures.packageFolder.appending(path: "Tools")
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }

  static let hasPython = (try? python("import json")) == 0

  @Test(
    "A preset has the shapes of the checkpoint that Tools/make_checkpoint makes under its name",
    .enabled(if: SyntheticModelTests.hasPython, "needs python3"),
    arguments: [ModelPreset.full, .medium, .tiny])
  func checkpoints(preset: ModelPreset) throws {
    let folder = try TemporaryFolder()
    let load = "import sys; from synthetic import presets; presets.load(sys.argv[1], sys.argv[2])"
    try #require(Self.python(load, [preset.rawValue, folder.url.path]) == 0)
    let made = try MappedFile.withBytes(ofFile: folder.path("config.json")) {
      try ModelConfiguration(json: $0, file: "config.json")
    }
    let own = TensorTable(try preset.configuration()).specifications
    #expect(own == TensorTable(made).specifications)
    #expect(try preset.configuration().headCount == made.headCount)
    #expect(try preset.configuration().vision.headCount == made.vision.headCount)
  }

  /// Looks for unfinished work whenever it is asked whether to go on.
  private final class Watch: Cancellation {
    let path: String
    let found = Atomic(false)

    init(_ path: String) { self.path = path }

    func check() throws { if Part.isUnfinished(path) { found.store(true, ordering: .relaxed) } }
  }

  @Test("A model in the making has a journal that says whose it is, for the next one to replace")
  func journal() throws {
    let folder = try TemporaryFolder()
    let watch = Watch(folder.path("tiny.part"))
    try SyntheticModel(preset: .tiny, recipe: QuantizationRecipe(preset: "int4"))
      .write(to: folder.path("tiny"), context: RunContext(cancellation: watch))
    let isFound = watch.found.load(ordering: .relaxed)
    #expect(isFound)
    #expect(try folder.contents() == ["tiny"])
  }

  @Test("The language preset has Llama-3-8B's layers, table and head, and as many layers as are asked for")
  func language() throws {
    let full = TensorTable(try ModelPreset.full.configuration()).specifications
    let language = TensorTable(try ModelPreset.language.configuration()).specifications
    let parts: [ModelPart] = [.embedding, .language, .head]
    #expect(language.filter { parts.contains($0.part) } == full.filter { parts.contains($0.part) })
    #expect(try ModelPreset.language.configuration(layers: 3).layerCount == 3)
  }

  @Test("Matrices of every preset are whole panels, as the generator needs", arguments: ModelPreset.allCases)
  func panels(preset: ModelPreset) throws {
    for tensor in TensorTable(try preset.configuration()).specifications where tensor.role.isMatrix {
      #expect(
        tensor.shape.rows % PanelLayout.panelRows == 0 && tensor.shape.columns % 8 == 0, "\(tensor.name)")
    }
  }

  @Test(
    "The engine opens the file in the recipe's encodings, and its checksums fit", arguments: ["int4", "int8"])
  func opens(recipe: String) throws {
    let folder = try TemporaryFolder()
    let engine = try Engine(path: Self.make(recipe, in: folder))
    let rules = try QuantizationRecipe(preset: recipe)
    for specification in engine.file.table.specifications {
      let tensor = try #require(engine.file.entry(named: specification.name))
      #expect(tensor.encoding == rules.encoding(of: specification, sourceType: .bfloat16))
      try engine.file.verifyChecksum(of: tensor)
    }
    #expect(engine.tokenizer.vocabularySize == engine.configuration.vocabularySize)
    #expect(try folder.contents() == ["tiny"])
  }

  @Test("Weights are finite, about as large as keeps their input's size, and as the format allows")
  func values() throws {
    let folder = try TemporaryFolder()
    let file = try NativeFile(path: Self.make(in: folder))
    for specification in file.table.specifications where specification.role.isMatrix {
      let tensor = try #require(file.entry(named: specification.name))
      let values = try file.values(of: tensor)
      let power = values.reduce(0) { $0 + $1 * $1 } / Float(tensor.shape.rows)
      #expect((0.7...1.4).contains(power), "\(tensor.name): \(power)")
      let layout = try PanelLayout(encoding: tensor.encoding, shape: tensor.shape)
      let bytes = try file.loaded(tensor.name).bytes
      for panel in 0..<layout.panelCount {
        for row in panel * PanelLayout.panelRows..<(panel + 1) * PanelLayout.panelRows {
          #expect(
            (0..<layout.paddedColumns).allSatisfy {
              let (byte, shift) = layout.weightOffset(row: row, column: $0)
              return layout.codes.range.contains(layout.codes.code(in: bytes[byte], above: shift))
            })
        }
      }
    }
  }

  @Test("Every tensor and every panel has bytes of its own")
  func distinct() throws {
    let folder = try TemporaryFolder()
    let file = try NativeFile(path: Self.make(in: folder))
    var seen: Set<[UInt8]> = []
    for specification in file.table.specifications where specification.role.isMatrix {
      let tensor = try #require(file.entry(named: specification.name))
      let layout = try PanelLayout(encoding: tensor.encoding, shape: tensor.shape)
      let bytes = try file.loaded(tensor.name).bytes
      for panel in 0..<layout.panelCount {
        let start = panel * layout.panelBytes
        #expect(seen.insert(Array(bytes[start..<start + layout.panelBytes])).inserted)
      }
    }
  }

  @Test("The file does not depend on the number of threads")
  func reproducible() throws {
    let folder = try TemporaryFolder()
    let first = try Data(contentsOf: URL(filePath: Self.make(in: folder, named: "one", threads: 1)))
    let second = try Data(contentsOf: URL(filePath: Self.make(in: folder, named: "two", threads: 3)))
    #expect(first == second)
  }

  @Test("An exception that fits nothing is refused and leaves no file")
  func wrongOverride() throws {
    let folder = try TemporaryFolder()
    var recipe = try QuantizationRecipe(preset: "int4")
    recipe.overrides = [try .init(parsing: "nothing.*=int8/64")]
    #expect(throws: CogError.self) {
      try SyntheticModel(preset: .tiny, recipe: recipe).write(to: folder.path("tiny"), context: RunContext())
    }
    #expect(try folder.contents() == [])
  }
}
