import CogTestSupport
import Foundation
import Testing

/// Scales that F16 cannot hold (report 12 of ../shared/reports/REPORTS.md).
@Suite("Scales that do not fit (report 12)")
struct LossTests {
  private static let name = "model.layers.0.mlp.language_mlp.up_proj.weight"
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The tiny checkpoint with the first 32 weights of a row of one matrix multiplied.
  private func checkpoint(row: Int, times factor: Float) throws -> String {
    let path = folder.path("checkpoint")
    try? FileManager.default.removeItem(atPath: path)
    try Safetensors(folder: Fixtures.path("tiny/checkpoint")).changing(Self.name) { bytes, shape in
      for column in 0..<32 {
        let place = bytes.startIndex + 2 * (row * shape[1] + column)
        let bits = UInt32(bytes[place]) << 16 | UInt32(bytes[place + 1]) << 24
        let changed = (Float(bitPattern: bits) * factor).bitPattern
        (bytes[place], bytes[place + 1]) = (
          UInt8(truncatingIfNeeded: changed >> 16), UInt8(truncatingIfNeeded: changed >> 24)
        )
      }
    }.write(toFolder: path, with: "tiny/checkpoint")
    return path
  }

  @Test("values beyond F16 are refused by quantize too, with the option that it has")
  func overflow() throws {
    let source = folder.path("checkpoint")
    try Safetensors(folder: Fixtures.path("tiny/checkpoint")).changing("model.norm.weight") { bytes, _ in
      let bits = Float(1e6).bitPattern
      (bytes[bytes.startIndex], bytes[bytes.startIndex + 1]) = (
        UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 24)
      )
    }.write(toFolder: source, with: "tiny/checkpoint")
    let arguments = ["quantize", source, "-o", folder.path("out.cogvlm"), "--other", "f16"]
    try expectRefusal(arguments, naming: "model.norm.weight", saying: "--allow-overflow", in: folder)
    let allowed = try Command.run(arguments + ["--allow-overflow"])
    #expect(allowed.status == 0 && allowed.errors.contains("1 values became infinite as F16"))
  }

  private func warnings(_ outcome: Program.Outcome) -> [String] {
    outcome.errors.split(separator: "\n").map(String.init)
  }

  @Test(
    "a scale that is too large is told with tensor, group and error, in the summary and in the file",
    arguments: ["int4/32", "int8/32"], ["least-squares", "absmax"])
  func tooLarge(_ encoding: String, _ method: String) throws {
    let source = try checkpoint(row: 5, times: 1e12)
    let out = folder.path("out.cogvlm")
    let arguments = ["quantize", source, "-o", out, "--linear", encoding, "--method", method]
    let outcome = try Command.run(arguments)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let list = warnings(outcome)
    #expect(list.count == 1, "\(list)")
    let warning = try #require(list.first)
    #expect(
      warning.hasPrefix(
        "warning: \(Self.name): 1 groups need a larger scale than F16 has and got 65504 (first: row 5, "
          + "group 0); as \(encoding) the tensor has a relative error of 0.9"))
    let metadata = try #require(
      Command.run(["inspect", out, "--json"]).json()["metadata"] as? [String: String])
    #expect(metadata["warnings.0"].map { "warning: " + $0 } == warning)
    let summary = try Command.run(arguments + ["--json"]).json()
    #expect((summary["warnings"] as? [String])?.map { "warning: " + $0 } == list)
    // What the values that are left are worth goes with them.
    let back = folder.path("back")
    try #require(Command.run(["convert", out, "--to", "safetensors", "-o", back]).status == 0)
    let index = try String(contentsOfFile: back + "/model.safetensors.index.json", encoding: .utf8)
    #expect(index.contains("need a larger scale"))
  }

  @Test("a group whose scale is too small became zeros, and that is told")
  func tooSmall() throws {
    let source = try checkpoint(row: 40, times: 1e-9)
    let out = folder.path("out.cogvlm")
    let outcome = try Command.run(["quantize", source, "-o", out, "--linear", "int4/32"])
    #expect(outcome.status == 0)
    #expect(warnings(outcome).count == 1)
    #expect(
      outcome.errors.hasPrefix(
        "warning: \(Self.name): 1 groups need a smaller scale than F16 has and became zeros; as int4/32"))
  }

  @Test("scales that fit are no warning, at both ends of F16 either", arguments: [1, 1e4, 1e-3] as [Float])
  func fits(_ factor: Float) throws {
    let source = try checkpoint(row: 0, times: factor)
    let outcome = try Command.run(["quantize", source, "-o", folder.path("out.cogvlm")])
    #expect(outcome.status == 0 && outcome.errors == "", "\(outcome.errors)")
  }
}
