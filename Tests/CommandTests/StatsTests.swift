import CogTestSupport
import Foundation
import Testing

/// `cogvlm stats` beside what numpy computes from the same files.
@Suite struct StatsTests {
  static let oracle = Fixtures.packageFolder.appending(path: "Tests/Python/numpy_oracle.py").path
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func stats(_ arguments: [String], _ environment: [String: String] = [:]) throws -> [String: Any] {
    let outcome = try Command.run(["stats", "--json"] + arguments, environment: environment)
    #expect(outcome.status == 0 && outcome.errors == "", "\(outcome.errors)")
    return try outcome.json()
  }

  private func convert(_ command: String, _ source: String, _ options: [String] = []) throws -> String {
    let output = folder.path("\(UUID().uuidString).cogvlm")
    let outcome = try Command.run([command, source, "-o", output] + options)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return output
  }

  /// Holds a report against numpy's: figures within 1e-6, percentiles within the accuracy that the report
  /// states.
  private func expectEqual(_ source: String, report: [String: Any]) throws {
    let numpy = try Python.run([Self.oracle, "stats", source])
    try #require(numpy.status == 0, "\(numpy.errors)")
    let expected = try numpy.json()
    let tensors = try #require(report["tensors"] as? [[String: Any]])
    let expectedTensors = try #require(expected["tensors"] as? [String: [String: Any]])
    #expect(tensors.count == expectedTensors.count)
    for tensor in tensors {
      let name = try #require(tensor["name"] as? String)
      let other = try #require(expectedTensors[name])
      try FigureComparison(name: name, tensor["figures"], other["figures"], isGroup: false).run()
      for channels in ["rows", "columns"] {
        guard let found = tensor[channels] as? [String: Any] else {
          #expect(other[channels] == nil, "\(name) \(channels)")
          continue
        }
        let wanted = try #require(other[channels] as? [String: Any], "\(name) \(channels)")
        for key in ["count", "median", "worst", "profile"] {
          #expect(found[key] as? NSObject == wanted[key] as? NSObject, "\(name) \(channels) \(key)")
        }
      }
      for key in ["zeroGroups", "firstNotFinite"] {
        #expect(tensor[key] as? NSObject == other[key] as? NSObject, "\(name) \(key)")
      }
    }
    let groups = try #require(expected["groups"] as? [String: [String: Any]])
    let layers = try #require(report["layers"] as? [[String: Any]])
    let total = try #require(report["total"] as? [String: Any])
    #expect(layers.count == groups.count - 1)
    for group in layers + [total] {
      let name = try #require(group["name"] as? String)
      try FigureComparison(name: name, group["figures"], groups[name], isGroup: true).run()
    }
  }

  @Test(
    "Every figure of the sample and a random model is numpy's, for safetensors and all native encodings",
    .enabled(if: Python.hasNumpy, "needs python3 with numpy"),
    arguments: ["sample/checkpoint", "tiny/checkpoint"])
  func equalsNumpy(_ fixture: String) throws {
    let source = Fixtures.path(fixture)
    try expectEqual(source, report: stats([source]))
    for (command, options) in [
      ("convert", []), ("convert", ["--dtype", "f32"]), ("convert", ["--dtype", "f16"]), ("quantize", []),
      ("quantize", ["--preset", "int8"]), ("quantize", ["--preset", "int4-fine"]),
    ] {
      let model = try convert(command, source, options)
      try expectEqual(model, report: stats([model]))
    }
  }

  @Test(
    "The figures of PyTorch files are numpy's of the same weights in safetensors files",
    .enabled(
      if: Python.hasNumpy && Fixtures.sharedFolder != nil,
      "needs python3 with numpy, and the shared reference data beside the checkout"),
    arguments: ["sample", "reference/tiny"])
  func torchFilesEqualNumpy(_ model: String) throws {
    let folder = try #require(Fixtures.sharedFolder).appending(path: model)
    try expectEqual(
      folder.appending(path: "checkpoint").path,
      report: stats([folder.appending(path: "checkpoint-bin").path]))
  }

  @Test(
    "NaN, infinities and groups of zeros are counted and placed as by numpy, plain or quantized",
    .enabled(if: Python.hasNumpy, "needs python3 with numpy"))
  func plantedFaultsEqualNumpy() throws {
    let name = "model.layers.1.mlp.language_mlp.gate_proj.weight"
    var tensors = try Safetensors(folder: Fixtures.path("tiny/checkpoint"))
    // 320 rows of 128 columns: a row and a half of the next one, and a single group.
    tensors = try tensors.changing(name) { bytes, shape in
      let width = bytes.count / shape[0]
      bytes.resetBytes(in: 7 * width..<8 * width + width / 2)
      bytes.resetBytes(in: 300 * width + width / 2..<301 * width)
    }
    try tensors.write(toFolder: folder.path("zeros"), with: "tiny/checkpoint")
    let report = try stats([folder.path("zeros")])
    try expectEqual(folder.path("zeros"), report: report)
    let changed = try #require(
      (report["tensors"] as? [[String: Any]])?.first { $0["name"] as? String == name })
    #expect(
      changed["zeroGroups"] as? NSDictionary == ["count": 4, "size": 64, "row": 7, "group": 0, "rows": 1])
    for preset in ["int4", "int4-fine"] {
      let model = try convert("quantize", folder.path("zeros"), ["--preset", preset])
      try expectEqual(model, report: stats([model]))
    }
    tensors = try tensors.changing(name) { bytes, _ in
      bytes.replaceSubrange(2 * (5 * 128 + 3)..<2 * (5 * 128 + 3) + 2, with: [0xC0, 0x7F])
      bytes.replaceSubrange(2 * (9 * 128 + 1)..<2 * (9 * 128 + 1) + 2, with: [0x80, 0xFF])
    }
    try tensors.write(toFolder: folder.path("nan"), with: "tiny/checkpoint")
    for source in [folder.path("nan"), try convert("convert", folder.path("nan"), ["--keep-non-finite"])] {
      let report = try stats([source])
      try expectEqual(source, report: report)
      let faulty = try #require(report["tensors"] as? [[String: Any]]).filter { $0["firstNotFinite"] != nil }
      #expect(faulty.count == 1 && faulty.first?["firstNotFinite"] as? [Int] == [5, 3])
    }
  }

  /// Tensors by name, and groups by name, whatever their order.
  private func byName(_ report: [String: Any], _ key: String) throws -> [String: NSDictionary] {
    let list = try #require(report[key] as? [[String: Any]])
    return Dictionary(list.map { ($0["name"] as? String ?? "", $0 as NSDictionary) }) { first, _ in first }
  }

  @Test("safetensors, PyTorch and native files of the same weights have the same figures to the last digit")
  func containersAgree() throws {
    let source = Fixtures.path("tiny/checkpoint")
    let reports = try [
      source, Fixtures.path("tiny/checkpoint-bin"), convert("convert", source),
    ].map { try stats([$0]) }
    for key in ["tensors", "layers", "parts"] {
      let expected = try byName(reports[0], key)
      #expect(expected.count > 1)
      for report in reports.dropFirst() { #expect(try byName(report, key) == expected, "\(key)") }
    }
    for report in reports { #expect(report["total"] as? NSObject == reports[0]["total"] as? NSObject) }
    // BF16 values in float32 are counted one by one too.
    let wide = try stats([convert("convert", source, ["--dtype", "f32"])])
    let total = try #require(wide["total"] as? [String: Any])
    #expect(total["figures"] as? NSObject == (reports[0]["total"] as? [String: Any])?["figures"] as? NSObject)
  }

  @Test("Neither the instruction set nor where tensors lie changes a digit", arguments: ["portable", "avx2"])
  func kernelsAgree(_ kernels: String) throws {
    let model = try convert("quantize", Fixtures.path("tiny/checkpoint"))
    let other = try Command.run(["stats", "--json", model], environment: ["COGVLM_KERNELS": kernels])
    if other.status == 2, other.errors.contains("this processor lacks") { return }
    #expect(try other.json() as NSDictionary == stats([model]) as NSDictionary)
  }

  @Test("Filters by name, part and layer choose tensors, together with their figures")
  func filters() throws {
    let source = Fixtures.path("tiny/checkpoint")
    func names(_ arguments: [String]) throws -> [String] {
      let tensors = try #require(try stats([source] + arguments)["tensors"] as? [[String: Any]])
      return tensors.compactMap { $0["name"] as? String }
    }
    #expect(
      try names(["--name", "*.boi", "--name", "*.eoi"]).sorted() == ["model.vision.boi", "model.vision.eoi"])
    let norms = try names(["--part", "language", "--layers", "1", "--name", "*layernorm*"])
    #expect(
      norms.sorted() == [
        "model.layers.1.input_layernorm.weight", "model.layers.1.post_attention_layernorm.weight",
      ])
    #expect(try names(["--layers", "0-0"]).allSatisfy { $0.contains(".layers.0.") })
    #expect(try names(["--part", "head", "--part", "embedding"]).count == 2)
  }

  @Test("The table marks estimates, and the comma-separated values have a line for everything")
  func otherForms() throws {
    let source = Fixtures.path("tiny/checkpoint")
    let text = try Command.run(["stats", source]).output
    #expect(text.contains(/model\.layers\.0\.mlp\.language_mlp\.down_proj\.weight +BF16/))
    #expect(!text.contains("~"))
    let quantized = try Command.run(["stats", convert("quantize", source)]).output
    #expect(quantized.contains("~") && quantized.contains("2^-134") && quantized.contains("int4/64"))
    // Percentiles are estimates, the bits of codes are counted.
    let row = try #require(quantized.split(separator: "\n").first { $0.contains(" int4/64 ") })
    #expect(row.count { $0 == "~" } == 2, "\(row)")
    let report = try stats([source])
    let lists = try ["tensors", "layers", "parts"].map { try #require(report[$0] as? [Any]).count }
    let csv = try Command.run(["stats", "--csv", source]).output.split(separator: "\n")
    #expect(csv.count == 1 + lists.reduce(0, +) + 1)
    #expect(csv[0].hasPrefix("scope,name,part,layer,type,shape,tensors,count,zeros,"))
    #expect(csv.last?.hasPrefix("total,total,") == true)
  }
}

/// Compares figures that the command printed with numpy's.
struct FigureComparison {
  let name: String
  let found: [String: Any]
  let expected: [String: Any]
  /// Counts in a group may come from several types: its subnormal numbers are not numpy's to know.
  let isGroup: Bool

  init(name: String, _ found: Any?, _ expected: Any?, isGroup: Bool) throws {
    self.name = name
    self.found = try #require(found as? [String: Any])
    self.expected = try #require(expected as? [String: Any])
    self.isGroup = isGroup
  }

  func run() throws {
    let isExact = try #require(found["isExact"] as? Bool)
    let error = try #require(found["percentileError"] as? Double)
    #expect(error == (isExact ? 0 : 0x1p-9))
    for key in ["count", "zeros", "nan", "infinite"] + (isGroup ? [] : ["subnormals"]) {
      #expect(found[key] as? Int == expected[key] as? Int, "\(name) \(key)")
    }
    for key in ["minimum", "maximum", "absoluteMaximum", "mean", "standardDeviation", "kurtosis"] {
      // A mean near 0 is a difference of sums: its error is measured by the values that went into it.
      let scale = key == "mean" ? expected["standardDeviation"] as? Double : nil
      expectClose(key, found[key], expected[key], within: 1e-6, of: scale)
    }
    let percentiles = found["percentiles"] as? [[String: Double]] ?? []
    let wanted = expected["percentiles"] as? [Double] ?? []
    #expect(percentiles.count == wanted.count, "\(name)")
    for (percentile, wanted) in zip(percentiles, wanted) {
      expectClose("percentile", percentile["value"], wanted, within: max(1e-6, error))
    }
    expectEntropy(isExact: isExact)
    if isExact {
      let histogram = found["histogram"] as? [String: Any]
      #expect(histogram?["counts"] as? [Int] == expected["histogram"] as? [Int], "\(name) histogram")
    }
    #expect(found["exponents"] as? NSObject == expected["exponents"] as? NSObject, "\(name) exponents")
  }

  /// Bins join values, so that the entropy of binned ones is a lower bound; that of codes is exact.
  private func expectEntropy(isExact: Bool) {
    guard let wanted = expected["entropyBits"] as? Double else { return }
    let bits = found["entropyBits"] as? Double ?? -1
    #expect(bits <= wanted + 1e-9 && (!isExact || bits > wanted - 1e-9), "\(name) entropy \(bits), \(wanted)")
  }

  private func expectClose(
    _ key: String, _ a: Any?, _ b: Any?, within tolerance: Double, of scale: Double? = nil
  ) {
    guard let a = a as? Double, let b = b as? Double else {
      #expect(a == nil && b == nil, "\(name) \(key)")
      return
    }
    #expect(abs(a - b) <= tolerance * max(abs(b), scale ?? 0), "\(name) \(key): \(a), expected \(b)")
  }
}
