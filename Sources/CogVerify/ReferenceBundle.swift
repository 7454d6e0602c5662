package import CogBase
package import CogCheckpoint
package import CogCompute
package import CogModel
import CogNative
package import CogText

/// What the published PyTorch code computed for one prompt: inputs, taps and answer
/// (`Formats/references.md`).
package struct ReferenceBundle {
  /// The file, as the user named it.
  package let path: String
  /// Type that PyTorch computed in.
  package let computeMode: ComputeMode
  /// Token ids of the whole prompt.
  package let ids: [Int]
  /// 0 text, 1 vision.
  package let tokenTypes: [Int]
  /// Rotary positions.
  package let positions: [Int]
  /// The question; nil where the bundle does not say.
  package let query: String?
  /// Earlier turns of the conversation.
  package let history: [Turn]
  /// The prompt's template.
  package let template: PromptTemplate
  /// Greedy answer; nil where the bundle has none.
  package let answerIDs: [Int]?
  /// The smallest gap between the two largest logits met on the way.
  package let minimumMargin: Double
  /// That gap for each id of the answer, where the bundle has it.
  package let margins: [Double]?
  private let configuration: ModelConfiguration
  private let file: SafetensorsFile

  /// The points that the bundle has values of, in order.
  package let points: [TapPoint]

  /// Opens a bundle and checks it against a model.
  ///
  /// - Throws: ``CogError`` when the file is damaged, lacks an input, or belongs to a model of other sizes.
  package init(path: String, configuration: ModelConfiguration) throws {
    try self.init(SafetensorsFile(path: path), configuration: configuration)
  }

  /// The same of a file that is open. - Throws: as ``init(path:configuration:)``.
  package init(_ file: SafetensorsFile, configuration: ModelConfiguration) throws {
    let path = file.path
    self.path = path
    self.configuration = configuration
    self.file = file
    let metadata = BundleMetadata(file.metadata, path: path)
    try metadata.checkVersion()
    computeMode = try metadata.computeMode()
    template = try metadata.template(default: configuration.template)
    query = file.metadata["query"]
    history = try metadata.history()
    answerIDs = try metadata.integers("answer_ids")
    minimumMargin = try metadata.number("min_margin") ?? 0
    margins = try metadata.numbers("answer_margins")
    ids = try Self.integers("input_ids", in: file)
    tokenTypes = try Self.integers("token_type_ids", in: file)
    positions = try Self.integers("position_ids", in: file)
    guard !ids.isEmpty, tokenTypes.count == ids.count, positions.count == ids.count else {
      throw CogError(
        "the inputs have different lengths", file: path, subject: "input_ids, token_type_ids, position_ids",
        expected: "\(ids.count) each", found: "\(tokenTypes.count) and \(positions.count)")
    }
    if let id = (ids + (answerIDs ?? [])).first(where: { $0 < 0 || $0 >= configuration.vocabularySize }) {
      throw CogError(
        "the bundle belongs to another model", file: path, subject: "token ids",
        expected: "ids below \(configuration.vocabularySize)", found: "\(id)")
    }
    try Self.checkPlaces(tokenTypes, positions, answer: answerIDs ?? [], configuration, path)
    try Self.checkFrames(tokenTypes, tokensPerFrame: configuration.vision.tokensPerFrame, path)
    points = TapPoint.all(configuration).filter { file.entry(named: $0.name) != nil }
    guard !points.isEmpty else {
      throw CogError("the bundle has no taps", file: path, expected: "tensors such as model.layers.0")
    }
    for point in points { try checkShape(of: point, configuration) }
  }

  /// Checks that prompt and answer fit the model's context: what memory they take follows from it.
  private static func checkPlaces(
    _ tokenTypes: [Int], _ positions: [Int], answer: [Int], _ c: ModelConfiguration, _ path: String
  ) throws {
    let context = c.contextLength
    guard tokenTypes.count + answer.count <= context else {
      throw CogError(
        "the bundle is longer than the model's context", file: path, subject: "input_ids, answer_ids",
        expected: "at most \(context) ids", found: "\(tokenTypes.count) and \(answer.count)")
    }
    if let type = tokenTypes.first(where: { !(0...1).contains($0) }) {
      throw CogError(
        "a token has an unknown type", file: path, subject: "token_type_ids",
        expected: "0 (text) or 1 (vision)", found: "\(type)")
    }
    if let position = positions.first(where: { !(0..<context).contains($0) }) {
      throw CogError(
        "a position lies outside of the model's context", file: path, subject: "position_ids",
        expected: "0 to \(context - 1)", found: "\(position)")
    }
  }

  /// Checks that the prompt has room for whole frames.
  private static func checkFrames(_ tokenTypes: [Int], tokensPerFrame: Int, _ path: String) throws {
    let count = tokenTypes.count { $0 == 1 }
    guard count.isMultiple(of: tokensPerFrame) else {
      throw CogError(
        "the vision tokens are not those of whole frames", file: path, subject: "token_type_ids",
        expected: "a multiple of \(tokensPerFrame) tokens of type 1", found: "\(count)")
    }
  }

  /// Frames that the prompt has room for.
  package func frameCount(_ configuration: ModelConfiguration) -> Int {
    tokenTypes.count { $0 == 1 } / configuration.vision.tokensPerFrame
  }

  /// The shape of a point's value in the bundle, empty where it has none.
  package func shape(of point: TapPoint) -> [Int] { file.entry(named: point.name)?.shape.dimensions ?? [] }

  /// The reference's value of a point: rows as the engine gives them, perhaps only of the first frames.
  ///
  /// - Throws: ``CogError`` when the bundle lacks it.
  package func value(of point: TapPoint) throws -> FloatMatrix {
    let (entry, bytes) = try file.tensor(named: point.name)
    return try matrix(
      entry, bytes, rows: entry.shape.elementCount / point.rowShape(configuration).reduce(1, *))
  }

  /// The prepared images in the bundle `[frames, 3 * size * size]`, perhaps only the first ones; nil if there
  /// are none.
  package func images() throws -> FloatMatrix? {
    guard let entry = file.entry(named: "images") else { return nil }
    let v = configuration.vision
    let columns = v.channelCount * v.imageSize * v.imageSize
    guard entry.shape.rank > 0, entry.shape.columns == columns else {
      throw CogError(
        "the prepared images have another size", file: path, subject: "images",
        expected: "\(columns) values for each frame", found: "\(entry.shape)")
    }
    return try matrix(entry, file.bytes(of: entry), rows: entry.shape.rows)
  }

  private func matrix(_ entry: TensorEntry, _ bytes: OwnedBytes, rows: Int) throws -> FloatMatrix {
    try naming(file: path) {
      try WeightMatrix(
        encoding: entry.encoding, rows: rows, columns: rows > 0 ? entry.shape.elementCount / rows : 0,
        bytes: bytes
      ).dequantizedRows(0..<rows, kernels: .fastest)
    }
  }

  /// The decoded frames `[frames, height, width, 3]`, RGB, in the bundle or in `NAME.frames.safetensors`
  /// beside it.
  ///
  /// - Throws: ``CogError`` when a file that is there is damaged.
  package func frames() throws -> (shape: Shape, bytes: OwnedBytes)? {
    if file.entry(named: "frames") != nil { return try checkFrames(file) }
    guard let sibling = Self.framesPath(of: path), FileSystem.isThere(sibling) else {
      return nil
    }
    return try checkFrames(SafetensorsFile(path: sibling))
  }

  /// The numbers of the frames in the video; nil where neither the bundle nor its frames file says.
  package func frameIndices() throws -> [Int]? {
    if file.entry(named: "frame_indices") != nil { return try Self.integers("frame_indices", in: file) }
    guard let sibling = Self.framesPath(of: path), FileSystem.isThere(sibling) else {
      return nil
    }
    let frames = try SafetensorsFile(path: sibling)
    return frames.entry(named: "frame_indices") == nil ? nil : try Self.integers("frame_indices", in: frames)
  }

  private func checkFrames(_ file: SafetensorsFile) throws -> (shape: Shape, bytes: OwnedBytes) {
    let (entry, bytes) = try file.tensor(named: "frames")
    guard entry.encoding.plainType == .uint8, entry.shape.rank == 4, entry.shape.dimensions[3] == 3,
      entry.shape.elementCount > 0
    else {
      throw CogError(
        "the frames have another form", file: file.path, subject: "frames",
        expected: "U8 [frames, height, width, 3]",
        found: "\(entry.encoding.label) \(entry.shape)")
    }
    return (entry.shape, bytes)
  }

  /// `NAME.frames.safetensors` for `NAME.f32.safetensors` or `NAME.bf16.safetensors`.
  package static func framesPath(of path: String) -> String? {
    for suffix in [".f32.safetensors", ".bf16.safetensors", ".safetensors"] where path.hasSuffix(suffix) {
      return path.dropLast(suffix.count) + ".frames.safetensors"
    }
    return nil
  }

  private func checkShape(of point: TapPoint, _ c: ModelConfiguration) throws {
    guard let entry = file.entry(named: point.name) else { return }
    let frames = frameCount(c)
    let dimensions = entry.shape.dimensions
    let tail = point.shape(of: 1, c).dimensions.dropFirst()
    let first = dimensions.first ?? 0
    guard frames > 0 || !point.isVision else {
      throw CogError(
        "a prompt without frames has no such tap", file: path, subject: point.name,
        advice: "Capture the reference again with Tools/capture_reference.py.")
    }
    let firstFits =
      point.isVision ? (1...frames).contains(first) : first == (point == .head ? 1 : ids.count)
    guard dimensions.dropFirst() == tail, firstFits, entry.encoding.plainType?.isReadableFloat == true else {
      let head = point.isVision ? "1 to \(frames)" : "\(point == .head ? 1 : ids.count)"
      throw CogError(
        "the bundle belongs to a model of other sizes, or to another prompt", file: path, subject: point.name,
        expected: "[\(([head] + tail.map(String.init)).joined(separator: ", "))], floating point",
        found: "\(entry.shape), \(entry.encoding.label)")
    }
  }

  private static func integers(_ name: String, in file: SafetensorsFile) throws -> [Int] {
    guard let entry = file.entry(named: name) else {
      throw CogError("the bundle lacks an input", file: file.path, subject: name)
    }
    guard entry.encoding.plainType == .int64, entry.shape.rank == 1 else {
      throw CogError(
        "an input has another form", file: file.path, subject: name, expected: "I64, one dimension",
        found: "\(entry.encoding.label) \(entry.shape)")
    }
    return try file.bytes(of: entry).withUnsafeBytes { bytes in
      (0..<entry.shape.elementCount).map {
        Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)))
      }
    }
  }
}
