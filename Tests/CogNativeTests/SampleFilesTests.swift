import CogBase
import CogNative
import CogTestSupport
import Foundation
import Testing

@Suite("The sample files of the format")
struct SampleFilesTests {
  private static let folder = Fixtures.packageFolder.appending(path: "Formats/samples")

  @Test("the committed samples are the ones described here")
  func areCurrent() throws {
    var files: [String: [UInt8]] = [:]
    for (name, bytes) in try SampleFiles.good() { files["good/\(name).cogvlm"] = bytes }
    for (name, _, bytes) in try SampleFiles.bad() { files["bad/\(name).cogvlm"] = bytes }
    files["bad/damaged-tensor.cogvlm"] = try SampleFiles.damagedTensor()
    if ProcessInfo.processInfo.environment["COGVLM_WRITE_SAMPLES"] != nil {
      for (name, bytes) in files { try Data(bytes).write(to: Self.folder.appending(path: name)) }
    }
    for (name, bytes) in files {
      #expect((try? Data(contentsOf: Self.folder.appending(path: name))) == Data(bytes), "\(name)")
    }
    for kind in ["good", "bad"] {
      let listed = try FileManager.default.contentsOfDirectory(atPath: Self.folder.appending(path: kind).path)
      #expect(Set(listed.map { "\(kind)/\($0)" }).isSubset(of: files.keys))
    }
  }

  @Test("good samples open and agree with their checksums")
  func good() throws {
    for (name, _) in try SampleFiles.good() {
      let file = try NativeFile(path: Self.folder.appending(path: "good/\(name).cogvlm").path)
      for tensor in file.entries { try file.verifyChecksum(of: tensor) }
      #expect(try !file.tokenizerBytes().isEmpty)
    }
  }

  @Test("bad samples are refused for the reason in their name")
  func bad() throws {
    for (name, says, _) in try SampleFiles.bad() {
      let path = Self.folder.appending(path: "bad/\(name).cogvlm").path
      let error = #expect(throws: CogError.self, "\(name)") { try NativeFile(path: path) }
      #expect(
        error?.file == path && error?.description.contains(says) == true,
        "\(name): \(error?.description ?? "")")
    }
    let damaged = try NativeFile(path: Self.folder.appending(path: "bad/damaged-tensor.cogvlm").path)
    let tensor = try #require(damaged.entry(named: "model.norm.weight"))
    #expect(throws: CogError.self) { try damaged.verifyChecksum(of: tensor) }
  }
}
