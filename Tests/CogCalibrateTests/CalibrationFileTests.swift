import CogBase
import CogCalibrate
import CogCheckpoint
import CogTestSupport
import Foundation
import Testing

@Suite("Calibration files") struct CalibrationFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func read(_ bytes: [UInt8]) throws -> Calibration {
    try Calibration(path: folder.write(bytes, as: "a.cogcal"))
  }

  private func refusal(_ bytes: [UInt8], _ what: String = "") -> CogError? {
    #expect(throws: CogError.self, "\(what)") { try read(bytes) }
  }

  @Test("What is written is read again, and the same content gives the same bytes")
  func roundTrip() throws {
    let calibration = CalibrationSamples.small()
    let bytes = try calibration.encoded()
    let path = folder.path("b.cogcal")
    try calibration.write(to: path)
    #expect(try Array(Data(contentsOf: URL(filePath: path))) == bytes)
    let read = try Calibration(path: path)
    #expect(read.fields == calibration.fields && read.table == calibration.table)
    #expect(read.table.names == calibration.table.names)
    #expect(try read.encoded() == bytes)
    #expect(read.digest?.count == 64)
    #expect(Calibration.recognizes(try RecognizedFile(path: path)))
  }

  @Test("Moments are found by the weight's name, of layers that share their input by any of both")
  func lookup() throws {
    let calibration = CalibrationSamples.small()
    let gate = try calibration.moments(of: "model.layers.0.mlp.language_mlp.gate_proj.weight", columns: 2)
    #expect(
      try calibration.moments(of: "model.layers.0.mlp.language_mlp.up_proj.weight", columns: 2) == gate)
    #expect(gate.text?.count == 9)
    let other = #expect(throws: CogError.self) {
      try calibration.moments(of: "model.layers.0.mlp.language_mlp.up_proj.weight", columns: 3)
    }
    #expect(other?.code == .wrongModel)
    let missing = #expect(throws: CogError.self) {
      try calibration.moments(of: "model.layers.1.mlp.language_mlp.up_proj.weight", columns: 2)
    }
    #expect(missing?.code == .incomplete)
    #expect(missing?.subject == "model.layers.1.mlp.language_mlp.up_proj.weight")
  }

  @Test("Every flipped bit is refused, in a tensor's bytes with the tensor's name, or changes nothing")
  func flips() throws {
    let calibration = CalibrationSamples.small()
    let bytes = try calibration.encoded()
    let dataStart = 8 + Int(bytes[0]) + Int(bytes[1]) << 8
    for place in bytes.indices {
      var changed = bytes
      changed[place] ^= 1 << UInt8(place % 8)
      guard let read = try? read(changed) else { continue }
      #expect(read.fields == calibration.fields && read.table == calibration.table, "byte \(place)")
      #expect(place < dataStart, "byte \(place)")
    }
    var damaged = bytes
    damaged[bytes.count - 1] ^= 1
    let error = refusal(damaged)
    #expect(error?.code == .damaged)
    #expect(error?.subject == "lm_head.weight.text.largest")
  }

  @Test("A file that is cut off anywhere is refused")
  func cuts() throws {
    let bytes = try CalibrationSamples.small().encoded()
    for count in stride(from: 1, to: bytes.count, by: 7) { _ = refusal(Array(bytes[..<count]), "\(count)") }
  }

  @Test(
    "Content that cannot be is refused, although its checksums are right",
    arguments: CalibrationSamples.deceits.indices)
  func deceits(_ index: Int) throws {
    let deceit = CalibrationSamples.deceits[index]
    var calibration = CalibrationSamples.small()
    deceit.change(&calibration)
    let error = refusal(try calibration.encoded(), deceit.name)
    #expect(error?.description.contains(deceit.says) == true, "\(deceit.name): \(String(describing: error))")
    #expect(error?.file == folder.path("a.cogcal"))
  }

  /// A file of the small calibration whose metadata is changed, the checksum of the fields made anew.
  private func file(_ change: (inout [String: String]) -> Void) throws -> [UInt8] {
    let bytes = try CalibrationSamples.small().encoded()
    let header = try bytes.withUnsafeBytes { try SafetensorsHeader(file: $0, path: "a") }
    var metadata = header.metadata
    change(&metadata)
    metadata["checksum"] =
      CalibrationFormat.checksum(of: metadata.filter { $0.key != "checksum" }).hexadecimal
    let tensors = header.entries.compactMap { entry in
      entry.encoding.plainType.map {
        SafetensorsHeader.NewTensor(name: entry.name, type: $0, shape: entry.shape)
      }
    }
    let count = header.entries.reduce(0) { $0 + $1.byteCount }
    return try SafetensorsHeader.encode(tensors, metadata: metadata).bytes + bytes.suffix(count)
  }

  @Test("Fields that are missing, too many or of another kind are refused by name")
  func fields() throws {
    #expect(try read(file { _ in }).table == CalibrationSamples.small().table)
    let changes: [(String, (inout [String: String]) -> Void)] = [
      ("version", { $0["version"] = "2" }), ("tool", { $0["tool"] = nil }), ("extra", { $0["extra"] = "" }),
      ("no calibration file", { $0["format"] = "pt" }), ("sets", { $0["sets"] = "{}" }),
      ("counts", { $0["counts"] = #"{"videos":1}"# }), ("model", { $0["model"] = "[" }),
      ("settings", { $0["settings"] = #"{"mode":"fast","mode":"fast"}"# }),
      ("failed", { $0["failed"] = "1" }),
      ("checksums", { $0["checksums"] = "[]" }), ("checksum for each", { $0["checksums"] = "{}" }),
    ]
    for (says, change) in changes {
      let error = refusal(try file(change), says)
      #expect(error?.description.contains(says) == true, "\(String(describing: error))")
    }
  }

  @Test("Another safetensors file is named as what it is")
  func others() throws {
    let path = Fixtures.path("checkpoints/tensors.safetensors")
    let error = #expect(throws: CogError.self) { try Calibration(path: path) }
    #expect(error?.code == .unsupported && error?.problem == "this is no calibration file")
    #expect(!Calibration.recognizes(try RecognizedFile(path: path)))
  }

  @Test("The samples of the format are the ones described here")
  func samples() throws {
    let good = try CalibrationSamples.small().encoded()
    var damaged = good
    damaged[good.count - 1] ^= 1
    let files = [
      "good.cogcal": good, "damaged-tensor.cogcal": damaged,
      "other-version.cogcal": try file { $0["version"] = "2" },
      "more-squares-than-tokens.cogcal": try {
        var calibration = CalibrationSamples.small()
        CalibrationSamples.deceits.first { $0.name == "squares above the largest" }?.change(&calibration)
        return try calibration.encoded()
      }(),
    ]
    let samples = Fixtures.packageFolder.appending(path: "Formats/samples/calibration")
    if ProcessInfo.processInfo.environment["COGVLM_WRITE_SAMPLES"] != nil {
      try FileManager.default.createDirectory(at: samples, withIntermediateDirectories: true)
      for (name, bytes) in files { try Data(bytes).write(to: samples.appending(path: name)) }
    }
    for (name, bytes) in files {
      #expect((try? Data(contentsOf: samples.appending(path: name))) == Data(bytes), "\(name)")
      let path = samples.appending(path: name).path
      if name != "good.cogcal" { #expect(throws: CogError.self) { try Calibration(path: path) } }
    }
    let listed = try FileManager.default.contentsOfDirectory(atPath: samples.path)
    #expect(Set(listed) == Set(files.keys))
  }
}
