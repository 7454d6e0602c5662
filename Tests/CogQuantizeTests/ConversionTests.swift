import CogBase
import CogCompute
import CogModel
import CogNative
import CogQuantize
import CogTestSupport
import Foundation
import Testing

@Suite("Conversions to floating-point files")
struct ConversionTests {
  private let folder: TemporaryFolder
  private let model: SyntheticModel
  private var out: String { folder.path("out.cogvlm") }

  init() throws {
    folder = try TemporaryFolder()
    model = try SyntheticModel()
  }

  @discardableResult
  private func convert(
    to type: ElementType?, _ options: Conversion.Options = .init(tool: "test 1", nonFinite: .keep),
    context: RunContext? = nil
  ) throws -> ConversionSummary {
    try Conversion(
      source: model.source(), recipe: .init(floats: type), options: options, context: context ?? .test()
    ).run(into: NativeSink(path: out))
  }

  /// The conversion fails, leaves nothing behind, and says why.
  private func failure(to type: ElementType?, _ options: Conversion.Options) throws -> CogError? {
    let error = #expect(throws: CogError.self) { try convert(to: type, options) }
    #expect(try folder.contents().isEmpty)
    return error
  }

  @Test(
    "tensors that keep their type are kept to the bit",
    arguments: [ElementType.bfloat16, .float16, .float32, .float64])
  func exact(type: ElementType) throws {
    let model = try SyntheticModel(type: type)
    let summary = try Conversion(
      source: model.source(), recipe: .init(floats: nil), options: .init(tool: "test 1"), context: .test()
    ).run(into: NativeSink(path: out))
    let file = try NativeFile(path: out)
    #expect(file.isFloat && file.entries.count == model.entries.count)
    for specification in model.table.specifications {
      let view = try file.loaded(specification.name)
      #expect(
        view.elementType == type && view.bytes.elementsEqual(model.tensor(specification.name)?.bytes ?? []))
    }
    for tensor in file.entries {
      try file.verifyChecksum(of: tensor)
      #expect(tensor.error == StorageError.none && tensor.sourceType == type)
    }
    #expect(summary.fileBytes == file.fileSize && summary.warnings.isEmpty && summary.quantizedRatio == nil)
    #expect(try folder.contents() == ["out.cogvlm"])
  }

  @Test(
    "conversions round to nearest even, and the error is the twin's",
    arguments: [ElementType.bfloat16, .float16])
  func rounding(type: ElementType) throws {
    let model = try SyntheticModel(type: .float32)
    try Conversion(
      source: model.source(), recipe: .init(floats: type), options: .init(tool: "test 1"), context: .test()
    )
    .run(into: NativeSink(path: out))
    let file = try NativeFile(path: out)
    for specification in model.table.specifications where specification.role != .rotaryFrequencies {
      let tensor = try #require(file.entry(named: specification.name))
      let values = model.values(specification.name)
      #expect(try file.loaded(tensor.name).bytes == encode(values, as: type), "\(tensor.name)")
      let stored = try file.values(of: tensor)
      let squaredError = zip(values, stored).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
      let squares = values.reduce(0.0) { $0 + Double($1) * Double($1) }
      let twin = StorageError(squaredError: squaredError, squares: squares)
      let error = try #require(tensor.error)
      #expect(abs(twin.relativeRMS - error.relativeRMS) <= 1e-6 * twin.relativeRMS)
      #expect(abs(twin.sqnr - error.sqnr) <= 1e-4)
    }
  }

  @Test("the rotary frequencies keep the source's type and bits")
  func rotaryFrequencies() throws {
    let name = "model.layers.1.self_attn.rotary_emb.inv_freq"
    try convert(to: .float32)
    let file = try NativeFile(path: out)
    let view = try file.loaded(name)
    #expect(view.elementType == .bfloat16 && view.bytes.elementsEqual(model.tensor(name)?.bytes ?? []))
    #expect(try file.loaded("model.norm.weight").elementType == .float32)
  }

  @Test("a value that F16 cannot hold is refused with its place, or counted where that is allowed")
  func overflow() throws {
    let name = "model.layers.1.mlp.language_mlp.up_proj.weight"
    model.change(name) { $0[72 * 100 + 5] = 70_000 }
    let options = Conversion.Options(tool: "test 1", nonFinite: .keep)
    let error = try failure(to: .float16, options)
    #expect(error?.subject == "\(name), row 100, column 5" && error?.file == "synthetic")
    var allowing = options
    allowing.allowsOverflow = true
    let summary = try convert(to: .float16, allowing)
    let tensor = try #require(summary.tensors.first { $0.name == name })
    #expect(tensor.overflowed == 1 && tensor.error.relativeRMS == .infinity)
    #expect(summary.warnings.contains { $0.contains(name) })
    #expect(throws: Never.self) { try JSONEncoder().encode(summary) }
    #expect(throws: Never.self) { try NativeFile(path: out) }
  }

  @Test("values that become 0 are counted")
  func vanished() throws {
    model.change("model.norm.weight") {
      $0[3] = 1e-30
      $0[4] = -1e-30
      $0[5] = 0
    }
    let summary = try convert(to: .float16)
    #expect(summary.tensors.first { $0.name == "model.norm.weight" }?.vanished == 2)
    let total = summary.tensors.reduce(0) { $0 + $1.vanished }
    let warning = try #require(summary.warnings.first)
    #expect(summary.warnings.count == 1 && warning.hasPrefix("\(total) small values in "))
  }

  @Test("NaN and infinity are kept with a warning, or refused with their place")
  func nonFinite() throws {
    let name = "model.vision.transformer.layers.0.mlp.fc2.weight"
    model.change(name) {
      $0[250] = .nan
      $0[700] = -.infinity
    }
    let error = try failure(to: nil, .init(tool: "test 1"))
    #expect(error?.subject == "\(name), row 2, column 50")
    let summary = try convert(to: nil)
    #expect(summary.tensors.first { $0.name == name }?.nonFinite == 2)
    #expect(summary.warnings.count == 1 && summary.warnings[0].contains(name))
    let view = try NativeFile(path: out).loaded(name)
    #expect(view.bytes.elementsEqual(model.tensor(name)?.bytes ?? []))
    // In another type they stay what they are and do not disturb the error of the rest.
    let half = try #require(convert(to: .float16).tensors.first { $0.name == name })
    #expect(half.nonFinite == 2 && half.overflowed == 0 && half.error.relativeRMS < 1e-2)
  }

  @Test(
    "a source that lacks a tensor, or has it in another shape or type, is refused before anything is written")
  func incomplete() throws {
    let name = "model.vision.boi"
    let tensor = try #require(model.tensor(name))
    let changes: [(SyntheticModel.Tensor?, String)] = [
      (nil, "missing"),
      (.init(elementType: .bfloat16, shape: [72], bytes: tensor.bytes), "shape"),
      (.init(elementType: .int16, shape: tensor.shape, bytes: tensor.bytes), "I16"),
    ]
    for (change, says) in changes {
      model.change(name) { $0 = change }
      let error = #expect(throws: CogError.self) {
        try Conversion(
          source: model.source(), recipe: .init(floats: nil), options: .init(tool: "test 1"), context: .test()
        )
      }
      #expect(
        error?.file == "synthetic" && error?.found?.contains(says) == true
          && error?.found?.contains(name) == true)
    }
    model.change(name) { $0 = .init(elementType: .bfloat16, shape: tensor.shape, bytes: [0]) }
    #expect(try failure(to: nil, .init(tool: "test 1"))?.subject == name)
    model.change(name) { $0 = .init(elementType: .bfloat16, shape: tensor.shape, bytes: []) }
    #expect(try failure(to: nil, .init(tool: "test 1"))?.subject == name)
  }

  @Test("a stop at any time leaves the unfinished work, a tensor that cannot be read leaves nothing")
  func failures() throws {
    for stopAt in [1, 2, 20, 57] {
      #expect(throws: Conversion.Stopped.self) {
        try convert(to: nil, .init(tool: "test 1"), context: .test(cancellation: StopAfter(stopAt)))
      }
      #expect(try folder.contents().sorted() == ["out.cogvlm.part", "out.cogvlm.part.journal"])
    }
    // Without a word, what an earlier run has left is replaced.
    model.damage("model.vision.eoi")
    #expect(try failure(to: nil, .init(tool: "test 1"))?.subject == "model.vision.eoi")
  }

  @Test("the file that is read is not overwritten, under whatever name")
  func overwriting() throws {
    let config = try folder.write(Array("{}".utf8), as: "config.json")
    let link = folder.path("link.cogvlm")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: config)
    let source = try model.source(files: [config])
    for place in [config, link, folder.url.path] {
      #expect(throws: CogError.self, "\(place)") {
        try Conversion(
          source: source, recipe: .init(floats: nil), options: .init(tool: "test 1"), context: .test()
        ).run(into: NativeSink(path: place))
      }
    }
    #expect(try folder.contents() == ["config.json", "link.cogvlm"])
    #expect(try Data(contentsOf: URL(filePath: config)) == Data("{}".utf8))
    #expect(throws: CogError.self) {
      try Conversion(
        source: source, recipe: .init(floats: nil), options: .init(tool: "test 1"), context: .test()
      )
      .run(into: NativeSink(path: folder.path("no/such/folder/out.cogvlm")))
    }
  }

  @Test("a disk with too little room is noticed before anything is read or written")
  func space() throws {
    let config = SyntheticModel.config
      .replacing("\"hidden_size\": 72", with: "\"hidden_size\": 131072")
      .replacing("\"intermediate_size\": 180", with: "\"intermediate_size\": 1048576")
      .replacing("\"num_hidden_layers\": 2, \"num_multi", with: "\"num_hidden_layers\": 128, \"num_multi")
    let source = try ModelSource(
      tensors: EntriesOnly(config), configurationText: config, tokenizer: .unread([1]))
    let conversion = try Conversion(
      source: source, recipe: .init(floats: nil), options: .init(tool: "test 1"), context: .test())
    let error = #expect(throws: CogError.self) { try conversion.run(into: NativeSink(path: out)) }
    #expect(error?.problem == "the disk has too little room" && error?.file == out)
    #expect(error?.expected?.hasSuffix(" free bytes") == true && Int(error?.found ?? "") != nil)
    #expect(try folder.contents().isEmpty)
  }

  @Test("provenance has names, sizes and SHA-256 of the files")
  func provenance() throws {
    let abc = try folder.write(Array("abc".utf8), as: "config.json")
    let source = try model.source(files: [abc])
    try Conversion(
      source: source, recipe: .init(floats: nil), options: .init(tool: "test 1"), context: .test()
    ).run(into: NativeSink(path: out))
    let provenance = try NativeFile(path: out).metadata.provenance
    #expect(provenance.tool == "test 1")
    #expect(
      provenance.sources == [
        .init(
          name: "config.json", bytes: 3,
          sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
      ])
    let missing = try model.source(files: [folder.path("tokenizer.json")])
    let error = #expect(throws: CogError.self) {
      try Conversion(
        source: missing, recipe: .init(floats: nil), options: .init(tool: "test 1"), context: .test()
      ).run(into: NativeSink(path: out))
    }
    #expect(error?.file == folder.path("tokenizer.json"))
  }

  @Test(
    "a native source hands on its configuration, tokenizer and provenance, and may not be its own target"
  )
  func nativeSource() throws {
    try convert(to: .float32)
    let first = try NativeFile(path: out)
    let second = folder.path("second.cogvlm")
    try Conversion(
      source: ModelSource(native: first), recipe: .init(floats: .bfloat16), options: .init(tool: "test 2"),
      context: .test()
    ).run(into: NativeSink(path: second))
    let file = try NativeFile(path: second)
    #expect(file.metadata.config == SyntheticModel.config)
    #expect(file.metadata.provenance.sources == first.metadata.provenance.sources)
    #expect(file.metadata.provenance.tool == "test 2")
    #expect(try Array(file.tokenizerBytes()) == Array("tokenizer".utf8))
    for name in model.entries.map(\.name) {
      #expect(try file.loaded(name).bytes.elementsEqual(model.tensor(name)?.bytes ?? []))
    }
    #expect(throws: CogError.self) {
      try Conversion(
        source: ModelSource(native: first), recipe: .init(floats: nil), options: .init(tool: "test 2"),
        context: .test()
      )
      .run(into: NativeSink(path: out))
    }
  }
}
