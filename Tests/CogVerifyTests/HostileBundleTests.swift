import CogBase
import CogNative
import CogTestSupport
import CogVerify
import Foundation
import Testing

/// Reference bundles with one thing wrong: refused when they are opened, or when their frames are asked for,
/// before memory is taken for what they say.
@Suite("Reference bundles that lie") struct HostileBundleTests {
  private let folder: TemporaryFolder
  private let model: NativeFile
  private let good: Data

  init() throws {
    folder = try TemporaryFolder()
    let path = folder.path("model.cogvlm")
    try NativeFixture.write(checkpoint: Fixtures.path("tiny/checkpoint"), to: path)
    model = try NativeFile(path: path)
    let bundle = Fixtures.path("tiny/references/chat-text-only.f32.safetensors")
    good = try Data(contentsOf: URL(filePath: bundle))
  }

  /// The bundle with another header: `change` gets it as JSON, and may append bytes.
  private func changed(
    _ change: (_ header: inout [String: Any], _ data: inout Data) throws -> Void
  ) throws -> String {
    let count = good.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
    var header = try #require(
      JSONSerialization.jsonObject(with: good[8..<8 + count]) as? [String: Any])
    var data = Data(good[(8 + count)...])
    try change(&header, &data)
    let text = try JSONSerialization.data(withJSONObject: header)
    let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) }
    return try folder.write(length + text + data, as: "bundle.f32.safetensors")
  }

  private func refusal(
    _ subject: String, location: SourceLocation = #_sourceLocation,
    _ change: (_ header: inout [String: Any], _ data: inout Data) throws -> Void
  ) throws {
    let path = try changed(change)
    let error = #expect(throws: CogError.self, sourceLocation: location) {
      let bundle = try ReferenceBundle(path: path, configuration: model.configuration)
      var inputs = VerificationInputs(file: model)
      _ = try inputs.frames(of: bundle)
    }
    #expect(error?.file == path, sourceLocation: location)
    #expect(
      error?.description.contains(subject) == true, "\(error?.description ?? "")", sourceLocation: location)
  }

  @Test("the bundle is read as it is")
  func unchanged() throws {
    let path = try changed { _, _ in }
    #expect(try ReferenceBundle(path: path, configuration: model.configuration).ids.count == 17)
  }

  @Test(
    "a field of the metadata that is missing or wrong is named",
    arguments: [
      ("compute_dtype", ["", "float16", "1"]),
      ("bundle_version", ["0", "3", "-1", "two", "9223372036854775808"]),
      ("template_version", ["", "khat"]),
      ("answer_ids", ["1", "{}", "[1,", "[\"1\"]", "[1.5]", "[-1]", "[1e3]"]),
      ("answer_ids", ["[\(Int.max)]", "[99999999]"]), ("min_margin", ["", "wide", "[]"]),
      ("answer_margins", ["0.5", "[null]", "[[1]]"]),
      ("history", ["1", "[1]", "[[\"q\"]]", "[[\"q\", 1]]", "[[\"q\", \"a\", \"b\"]]"]),
    ])
  func metadata(_ field: String, _ values: [String]) throws {
    for value in values {
      try refusal(field == "answer_ids" && !value.contains(where: \.isLetter) ? "id" : field) { header, _ in
        var metadata = try #require(header["__metadata__"] as? [String: Any])
        metadata[field] = value
        header["__metadata__"] = metadata
      }
    }
  }

  @Test("a bundle without metadata, or without one of its inputs, is refused")
  func missing() throws {
    try refusal("compute_dtype") { header, _ in header["__metadata__"] = nil }
    for name in ["input_ids", "token_type_ids", "position_ids"] {
      // Renamed: a tensor that is gone would leave a hole.
      try refusal(name) { header, _ in
        header["x" + name] = header[name]
        header[name] = nil
      }
    }
  }

  /// Replaces the first number of an input.
  private func put(_ value: Int, into name: String, _ header: [String: Any], _ data: inout Data) throws {
    let entry = try #require(header[name] as? [String: Any])
    let start = try #require((entry["data_offsets"] as? [Int])?.first)
    withUnsafeBytes(of: Int64(value).littleEndian) { data.replaceSubrange(start..<start + 8, with: $0) }
  }

  @Test(
    "an id, type or position outside of the model is named",
    arguments: [
      ("input_ids", "token ids"), ("token_type_ids", "token_type_ids"), ("position_ids", "position_ids"),
    ])
  func numbers(_ name: String, _ subject: String) throws {
    for value in [-1, Int.min, Int.max, 1 << 32, 2048 + (name == "input_ids" ? 1 << 24 : 0)] {
      try refusal(subject) { try put(value, into: name, $0, &$1) }
    }
  }

  @Test("inputs of another type, another shape or more than the context are refused")
  func shapes() throws {
    for name in ["input_ids", "token_type_ids", "position_ids"] {
      for (key, value) in [("dtype", "F64"), ("shape", [17, 1])] as [(String, Any)] {
        try refusal(name) { header, _ in
          var entry = try #require(header[name] as? [String: Any])
          entry[key] = value
          header[name] = entry
        }
      }
    }
    // A million ids, which would ask for keys and values of a million tokens.
    let count = 1 << 20
    try refusal("context") { header, data in
      for name in ["input_ids", "token_type_ids", "position_ids"] {
        header["x" + name] = header[name]
        header[name] = [
          "dtype": "I64", "shape": [count], "data_offsets": [data.count, data.count + 8 * count],
        ]
        data += Data(count: 8 * count)
      }
    }
  }

  @Test("vision tokens that make no whole frame are refused")
  func brokenFrame() throws {
    try refusal("token_type_ids") { try put(1, into: "token_type_ids", $0, &$1) }
  }

  @Test("a tap of the vision part is refused for a prompt without frames: it would not be compared")
  func visionTap() throws {
    let shape = [1, model.configuration.vision.tokensPerFrame, model.configuration.hiddenSize]
    for isAlone in [false, true] {
      try refusal("model.vision: a prompt without frames") { header, data in
        for key in header.keys where isAlone && (key.contains(".") || key == "lm_head") {
          header["x" + key] = header[key]
          header[key] = nil
        }
        let count = 4 * shape.reduce(1, *)
        header["model.vision"] = [
          "dtype": "F32", "shape": shape, "data_offsets": [data.count, data.count + count],
        ]
        data += Data(count: count)
      }
    }
  }

  @Test("frames that are not the prompt's, and images of another size, are refused before they are prepared")
  func frames() throws {
    let perFrame = model.configuration.vision.tokensPerFrame
    /// A prompt of one frame and the tensor that should have it.
    func withFrame(
      _ name: String, _ type: String, _ shape: [Int], _ header: inout [String: Any], _ data: inout Data
    ) {
      let count = perFrame + 1
      for (input, value) in [("input_ids", 0), ("token_type_ids", 1), ("position_ids", 0)] {
        header["x" + input] = header[input]
        header[input] = [
          "dtype": "I64", "shape": [count], "data_offsets": [data.count, data.count + 8 * count],
        ]
        for place in 0..<count {
          // A text token at the end.
          let value = place < perFrame ? value : 0
          withUnsafeBytes(of: Int64(value).littleEndian) { data.append(contentsOf: $0) }
        }
      }
      // Taps are of the old prompt.
      for key in header.keys where key.contains(".") {
        header["x" + key] = header[key]
        header[key] = nil
      }
      header["xlm_head"] = header["lm_head"]
      let head = model.configuration.vocabularySize
      header["lm_head"] = [
        "dtype": "F32", "shape": [1, head], "data_offsets": [data.count, data.count + 4 * head],
      ]
      data += Data(count: 4 * head)
      let bytes = shape.reduce(type == "U8" ? 1 : 4, *)
      header[name] = ["dtype": type, "shape": shape, "data_offsets": [data.count, data.count + bytes]]
      data += Data(count: bytes)
    }
    for shape in [[1 << 20, 1, 1, 3], [2, 4, 4, 3], [1, 1, 1 << 20, 3], [1, 1 << 20, 1, 3]] {
      try refusal("not those of the prompt") { withFrame("frames", "U8", shape, &$0, &$1) }
    }
    for shape in [[1, 4, 4, 4], [1, 4, 3], [4, 4, 3], [1, 0, 4, 3]] {
      try refusal("frames have another form") { withFrame("frames", "U8", shape, &$0, &$1) }
    }
    for shape in [[1, 3, 4, 4], [1, 1], [1 << 16, 3]] {
      try refusal("another size") { withFrame("images", "F32", shape, &$0, &$1) }
    }
  }
}
