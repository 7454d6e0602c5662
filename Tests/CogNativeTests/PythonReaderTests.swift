import CogModel
import CogBase
import CogNative
import CogTestSupport
import Foundation
import Testing

/// `Tools/read_native.py`, the second reader of the format.
enum PythonReader {
  static let script = Python.tools + "/read_native.py"
}

@Suite(
  "The Python reader beside the Swift one", .enabled(if: Python.hasNumpy, "needs python3 with numpy")
)
struct PythonReaderTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("both list the same directory")
  func sameDirectory() throws {
    let path = folder.path("mixed.cogvlm")
    try TinyModel.mixed().write(to: path)
    let file = try NativeFile(path: path)
    let outcome = try Python.run([PythonReader.script, path, "--json"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let listing = try JSON.parse(Array(outcome.output.utf8), what: "listing")
    let entries = try #require(listing["tensors"]?.elements)
    #expect(entries.count == file.entries.count)
    for (entry, tensor) in zip(entries, file.entries) {
      #expect(entry["name"]?.text == tensor.name)
      #expect(entry["shape"]?.elements?.compactMap(\.integer) == tensor.shape.dimensions)
      let groupSize = entry["group_size"]?.integer ?? -1
      let label = (entry["encoding"]?.text ?? "") + (groupSize > 0 ? "/\(groupSize)" : "")
      #expect(label == tensor.encoding.label)
      #expect(entry["offset"]?.integer == tensor.offset && entry["byte_count"]?.integer == tensor.byteCount)
      #expect(entry["checksum"]?.integer == tensor.checksum.map(Int.init))
      #expect(entry["source_type"]?.text == tensor.sourceType?.rawValue)
      #expect(entry["relative_rms"]?.double.map(Float.init) == tensor.error?.relativeRMS)
      #expect((entry["sqnr"]?.double.map(Float.init) ?? .infinity) == tensor.error?.sqnr)
      #expect(entry["worst_group"]?.double.map(Float.init) == tensor.error?.worstGroup)
      #expect(entry["worst_row"]?.integer == tensor.error?.worstRow)
      #expect(entry["worst_group_index"]?.integer == tensor.error?.worstGroupIndex)
    }
    #expect(listing["metadata"]?["config"]?.text == TinyModel.config)
    #expect(
      listing["metadata"]?["recipe"]?["overrides"]?.elements?.first?["pattern"]?.text == "model.vision.*")
  }

  @Test("both dequantize every tensor to the same bits")
  func sameValues() throws {
    let path = folder.path("mixed.cogvlm")
    try TinyModel.mixed().write(to: path)
    let file = try NativeFile(path: path)
    let program = """
      import os, sys
      sys.path.insert(0, os.path.dirname(sys.argv[1]))
      import read_native
      file = read_native.open_native(sys.argv[2])
      for tensor in file.tensors:
          sys.stdout.buffer.write(file.values(tensor.name).astype("<f4").tobytes())
      """
    let outcome = try Python.run(["-c", program, PythonReader.script, path])
    #expect(outcome.status == 0, "\(outcome.errors)")
    var expected = ByteWriter()
    for tensor in file.entries {
      for value in try file.values(of: tensor) { expected.write(value) }
    }
    #expect(outcome.outputBytes == Data(expected.bytes))
  }

  @Test("a tensor is written as an npy file in its shape")
  func npy() throws {
    let path = folder.path("mixed.cogvlm")
    try TinyModel.mixed().write(to: path)
    let name = "model.vision.transformer.layers.0.mlp.fc2.weight"
    let out = folder.path("out.npy")
    let outcome = try Python.run([PythonReader.script, path, "--tensor", name, "--npy", out])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let file = try NativeFile(path: path)
    let tensor = try #require(file.entry(named: name))
    let content = try Data(contentsOf: URL(filePath: out))
    var values = ByteWriter()
    for value in try file.values(of: tensor) { values.write(value) }
    #expect(content.suffix(values.bytes.count) == Data(values.bytes))
    let header = String(decoding: content.dropLast(values.bytes.count), as: UTF8.self)
    #expect(header.contains("'descr': '<f4'") && header.contains("'shape': (32, 44)"))
  }

  @Test("good samples are taken, and their checksums agree")
  func good() throws {
    for (name, bytes) in try SampleFiles.good() {
      let path = try folder.write(bytes, as: "\(name).cogvlm")
      let outcome = try Python.run([PythonReader.script, path, "--check"])
      #expect(outcome.status == 0, "\(name): \(outcome.errors)")
      let listing = try Python.run([PythonReader.script, path])
      #expect(listing.output.contains("model.norm.weight"))
    }
  }

  @Test("bad samples are refused with status 2, the file and a cause")
  func bad() throws {
    for (name, _, bytes) in try SampleFiles.bad() {
      let path = try folder.write(bytes, as: "\(name).cogvlm")
      let outcome = try Python.run([PythonReader.script, path])
      #expect(
        outcome.status == 2 && outcome.errors.hasPrefix("error: \(path): "), "\(name): \(outcome.errors)")
      #expect(!outcome.errors.contains("Traceback"), "\(name)")
    }
    let path = try folder.write(SampleFiles.damagedTensor(), as: "damaged.cogvlm")
    let outcome = try Python.run([PythonReader.script, path, "--check"])
    #expect(outcome.status == 2 && outcome.errors.contains("model.norm.weight"))
  }

  @Test("every deceit is refused by both readers, but for what only the model's table knows")
  func deceits() throws {
    let good = try RawNativeFile(TinyModel.mixed())
    let names = Deceit.all.map { ($0, "\($0.name.replacing(" ", with: "-")).cogvlm") }
    for (deceit, name) in names { _ = try folder.write(good.changed(deceit.change).bytes, as: name) }
    let program = """
      import os, sys
      sys.path.insert(0, os.path.dirname(sys.argv[1]))
      import read_native
      for path in sys.argv[2:]:
          try:
              read_native.open_native(path)
          except read_native.NativeFormatError:
              continue
          print(os.path.basename(path))
      """
    let paths = names.map { folder.path($0.1) }
    let outcome = try Python.run(["-c", program, PythonReader.script] + paths)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let accepted = Set(
      outcome.output.split(separator: "\n").map(String.init))
    let needsTable = Set(names.filter { $0.0.needsModelTable }.map { $0.1 })
    #expect(accepted == needsTable)
  }

  @Test("a wrong call and a missing tensor are told apart from bad files")
  func usage() throws {
    let path = folder.path("mixed.cogvlm")
    try TinyModel.mixed().write(to: path)
    #expect(try Python.run([PythonReader.script, path, "--tensor", "boi"]).status == 64)
    let outcome = try Python.run([
      PythonReader.script, path, "--tensor", "boi", "--npy", folder.path("out.npy"),
    ])
    #expect(outcome.status == 2 && outcome.errors.contains("no such tensor"))
    #expect(try Python.run([PythonReader.script, folder.path("missing")]).status == 2)
  }
}
