import CogBase
import CogModel
import CogNative

/// The smallest model that the table knows: one layer of width 32 in each part, filled with numbers.
struct TinyModel {
  static let config = """
    {
      "architectures": ["CogVLMVideoForCausalLM"],
      "bos_token_id": 37, "eos_token_id": 38, "pad_token_id": 39,
      "hidden_act": "silu", "hidden_size": 32, "intermediate_size": 40, "max_position_embeddings": 64,
      "num_attention_heads": 2, "num_hidden_layers": 1, "num_multi_query_heads": 1, "rms_norm_eps": 1e-05,
      "template_version": "chat", "tie_word_embeddings": false, "vocab_size": 40,
      "vision_config": {
        "hidden_act": "gelu", "hidden_size": 32, "image_size": 4, "in_channels": 3, "intermediate_size": 44,
        "layer_norm_eps": 1e-06, "num_heads": 2, "num_hidden_layers": 1, "num_positions": 5, "patch_size": 2
      }
    }
    """

  /// One tensor with its stored bytes.
  struct Tensor {
    let name: String
    let shape: Shape
    let encoding: TensorEncoding
    let bytes: [UInt8]
    let error: StorageError

    /// The tensor as a sink gets it.
    var slot: TensorSlot {
      get throws { try TensorSlot(name: name, shape: shape, encoding: encoding, sourceType: .bfloat16) }
    }
  }

  let tensors: [Tensor]
  var metadata: ModelMetadata
  let tokenizer: [UInt8]

  /// A model whose matrices are stored as `matrix` says and all else as BF16.
  init(matrix: (TensorSpecification) -> TensorEncoding = { _ in .plain(.bfloat16) }) throws {
    let configuration = try Array(Self.config.utf8).withUnsafeBytes {
      try ModelConfiguration(json: $0, file: "tiny")
    }
    var random = LinearCongruential(state: 11)
    tensors = try TensorTable(configuration).specifications.map { specification in
      let values = (0..<specification.shape.elementCount).map { _ in random.nextBFloat16() }
      let encoding = specification.role.isMatrix ? matrix(specification) : .plain(.bfloat16)
      return try Self.store(values, specification, encoding)
    }
    metadata = ModelMetadata(
      config: Self.config,
      provenance: .init(tool: "test 0", sources: [.init(name: "tiny.safetensors", bytes: 3, sha256: "00ff")]),
      recipe: .init(
        linear: "int4/32", embedding: "int8/64", head: "BF16", other: "BF16",
        overrides: [.init(pattern: "model.vision.*", encoding: "BF16")], method: "smallest and largest value")
    )
    tokenizer = Array("no tokenizer, only bytes".utf8)
  }

  /// A model with every encoding that a file can have.
  static func mixed() throws -> TinyModel {
    try TinyModel { specification in
      switch specification.role {
      case .tokenEmbedding: .int8(groupSize: 64)
      case .outputHead: .plain(.float32)
      case .attentionOutput: .plain(.float16)
      case .adapterProjection: .plain(.float64)
      case .mlpGate, .visionMLPOut: .int8(groupSize: 32)
      case .mlpUp: .int4(groupSize: 64)
      case .mlpDown: .int4(groupSize: 128)
      default: .int4(groupSize: 32)
      }
    }
  }

  /// Writes the model with the writer of the toolkit.
  func write(to path: String) throws {
    let sink = NativeSink(path: path)
    for tensor in tensors {
      try tensor.bytes.withUnsafeBytes { try sink.append(tensor.slot, bytes: $0, error: tensor.error) }
    }
    try sink.finish(documents)
  }

  /// What the file has beside its tensors.
  var documents: ModelDocuments {
    ModelDocuments(metadata: metadata, tokenizer: TokenizerText(compact: tokenizer) { [] })
  }

  private static func store(
    _ values: [Float], _ specification: TensorSpecification, _ encoding: TensorEncoding
  ) throws -> Tensor {
    var bytes = ByteWriter()
    var error = StorageError.none
    switch encoding.plainType {
    case .float32: values.forEach { bytes.write($0) }
    case .float64: values.forEach { bytes.write(Double($0).bitPattern) }
    case .float16: values.forEach { bytes.write(Float16($0).bitPattern) }
    case .some: values.forEach { bytes.write(UInt16($0.bitPattern >> 16)) }
    case nil:
      let stored = try PlainPanels(values, shape: specification.shape, encoding: encoding)
      bytes.write(contentsOf: stored.bytes)
      error = stored.error
    }
    return Tensor(
      name: specification.name, shape: specification.shape, encoding: encoding, bytes: bytes.bytes,
      error: error)
  }
}

/// A quantizer that does the plainest thing that `Formats/int4.md` allows: scales from the smallest and the
/// largest value of a group.
struct PlainPanels {
  let bytes: [UInt8]
  let error: StorageError

  init(_ values: [Float], shape: Shape, encoding: TensorEncoding) throws {
    let layout = try PanelLayout(encoding: encoding, shape: shape)
    var bytes = [UInt8](repeating: 0, count: layout.byteCount)
    var squaredError = 0.0, squares = 0.0, worst = (Float(0), row: 0, group: 0)
    for row in 0..<layout.rows {
      for group in 0..<layout.groupCount {
        let last = min(layout.paddedColumns, (group + 1) * layout.groupSize)
        let columns = group * layout.groupSize..<last
        let inGroup = columns.prefix { $0 < layout.columns }.map { values[row * layout.columns + $0] }
        let (scale, zero) = Self.scale(inGroup, layout.codes)
        let scaleOffset = layout.scaleOffset(row: row, group: group)
        bytes[scaleOffset] = UInt8(truncatingIfNeeded: scale.bitPattern)
        bytes[scaleOffset + 1] = UInt8(scale.bitPattern >> 8)
        if layout.codes.hasZeroPoints { bytes[layout.zeroOffset(row: row, group: group)] = UInt8(zero) }
        var groupError = 0.0, groupSquares = 0.0
        for column in columns {
          let value = column < layout.columns ? inGroup[column - columns.lowerBound] : 0
          let q = Self.quantize(value, scale: Float(scale), zero: zero, layout.codes)
          let (offset, shift) = layout.weightOffset(row: row, column: column)
          bytes[offset] |= UInt8(q & (1 << layout.codes.bits - 1)) << shift
          let difference = Double(value) - Double(scale) * Double(q - zero)
          groupError += difference * difference
          groupSquares += Double(value) * Double(value)
        }
        squaredError += groupError
        squares += groupSquares
        let ratio = groupSquares > 0 ? Float((groupError / groupSquares).squareRoot()) : 0
        if ratio > worst.0 { worst = (ratio, row, group) }
      }
    }
    self.bytes = bytes
    error = StorageError(
      squaredError: squaredError, squares: squares, worstGroup: worst.0, worstRow: worst.row,
      worstGroupIndex: worst.group)
  }

  private static func scale(_ values: [Float], _ codes: QuantizedCodes) -> (scale: Float16, zero: Int) {
    let low = min(values.min() ?? 0, 0), high = max(values.max() ?? 0, 0)
    let last = codes.range.upperBound
    guard codes.hasZeroPoints else { return (Float16(max(high, -low) / Float(last)), 0) }
    let scale = Float16((high - low) / Float(last))
    return scale == 0 ? (0, 0) : (scale, min(last, Int((-low / Float(scale)).rounded())))
  }

  private static func quantize(_ value: Float, scale: Float, zero: Int, _ codes: QuantizedCodes) -> Int {
    guard scale > 0 else { return zero }
    let q = Int((value / scale).rounded(.toNearestOrEven)) + zero
    return min(max(q, codes.range.lowerBound), codes.range.upperBound)
  }
}

/// Numbers that are the same on every run.
struct LinearCongruential: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 29)
  }

  /// A value around 0 that BF16 holds exactly.
  mutating func nextBFloat16() -> Float {
    let value = (0..<3).reduce(Float(0)) { sum, _ in sum + Float(next() >> 40) / Float(1 << 24) - 0.5 }
    return Float(bitPattern: (value * 0.1).bitPattern & 0xFFFF_0000)
  }
}
