import CogBase

extension ModelConfiguration {
  /// Reads `config.json`.
  ///
  /// - Parameters:
  ///   - bytes: the file's bytes.
  ///   - file: its path, for errors.
  /// - Throws: ``CogError`` when it is not JSON, belongs to another model, lacks a field, or has sizes that
  ///   do not fit together.
  package init(json bytes: UnsafeRawBufferPointer, file: String) throws {
    self = try naming(file: file) {
      try Self.requireBelievable(bytes, what: "configuration")
      let root = try JSON.parse(bytes, what: "configuration")
      guard root.members != nil else {
        throw CogError("the configuration is no JSON object", found: root.kind)
      }
      try Self.refuseOtherModels(root)
      let configuration = try ModelConfiguration(fields: FieldReader(root, path: ""))
      try configuration.check()
      return configuration
    }
  }

  private init(fields: FieldReader) throws {
    try fields.require("hidden_act", oneOf: ["silu"])
    hiddenSize = try fields.size("hidden_size")
    intermediateSize = try fields.size("intermediate_size")
    layerCount = try fields.size("num_hidden_layers", limit: 4096)
    headCount = try fields.size("num_attention_heads")
    keyValueHeadCount = try fields.size("num_multi_query_heads")
    vocabularySize = try fields.size("vocab_size")
    contextLength = try fields.size("max_position_embeddings")
    rmsNormEpsilon = try fields.epsilon("rms_norm_eps")
    template = try fields.promptTemplate("template_version", default: .chat)
    beginOfTextID = try fields.tokenID("bos_token_id", default: 128000)
    endOfTextIDs = try fields.tokenIDs(Self.endOfTextField, default: [128001])
    padID = try fields.tokenID("pad_token_id", default: 128002)
    vision = try VisionConfiguration(fields: fields.nested("vision_config"))
    guard try fields.flag("tie_word_embeddings", default: false) == false else {
      throw CogError(
        "tied embeddings are not part of this model", code: .wrongModel, subject: "tie_word_embeddings")
    }
  }

  /// The published file has 1.5 KB; the text goes into the metadata of native files, which is bounded.
  private static let mostBytes = 1 << 20

  private static func requireBelievable(_ bytes: UnsafeRawBufferPointer, what: String) throws {
    guard bytes.count <= mostBytes else {
      throw CogError(
        "the \(what) is too long", expected: "at most \(mostBytes) bytes", found: "\(bytes.count)")
    }
  }

  /// Names the models that look alike and are not this one.
  private static func refuseOtherModels(_ root: JSON) throws {
    let architectures = root["architectures"]?.elements?.compactMap(\.text) ?? []
    let expected = "CogVLMVideoForCausalLM (CogVLM2-Video-Llama3 chat, base or caption)"
    if architectures.contains("CogVLMVideoForCausalLM") { return }
    let visionWidth = root["vision_config"]?["hidden_size"]?.integer
    if architectures.contains("CogVLMForCausalLM") {
      let isSecond = root["num_multi_query_heads"] != nil || (root["vocab_size"]?.integer ?? 0) > 100_000
      let name =
        isSecond
        ? "an image model of CogVLM2 (such as cogvlm2-llama3-chat-19B, with vision experts)"
        : "CogVLM 1, an image model"
      throw CogError(
        "this is another model", code: .wrongModel, subject: "architectures", expected: expected, found: name)
    }
    guard architectures.isEmpty, visionWidth != nil, root["num_multi_query_heads"] != nil else {
      let found = architectures.isEmpty ? "no architecture name" : architectures.joined(separator: ", ")
      throw CogError(
        "this is another model", code: .wrongModel, subject: "architectures", expected: expected, found: found
      )
    }
  }

  private func check() throws {
    try Self.require(
      hiddenSize % headCount == 0, "hidden_size", "a multiple of num_attention_heads \(headCount)", hiddenSize
    )
    try Self.require(headDimension % 2 == 0, "hidden_size", "an even head dimension", headDimension)
    try Self.require(
      headCount % keyValueHeadCount == 0, "num_multi_query_heads",
      "a divisor of num_attention_heads \(headCount)",
      keyValueHeadCount)
    try requireTokens([beginOfTextID], "bos_token_id")
    try requireTokens(endOfTextIDs, Self.endOfTextField)
    try requireTokens([padID], "pad_token_id")
    let v = vision
    try Self.require(
      v.hiddenSize % v.headCount == 0, "vision_config.hidden_size", "a multiple of num_heads \(v.headCount)",
      v.hiddenSize)
    try Self.require(
      v.imageSize % v.patchSize == 0 && v.gridSize % 2 == 0, "vision_config.image_size",
      "an even number of patches of \(v.patchSize) pixels", v.imageSize)
    try Self.require(
      v.positionCount == v.gridSize * v.gridSize + 1, "vision_config.num_positions",
      "\(v.gridSize * v.gridSize + 1) (patches and CLS)", v.positionCount)
    try Self.require(v.channelCount == 3, "vision_config.in_channels", "3", v.channelCount)
  }

  private func requireTokens(_ ids: [Int], _ field: String) throws {
    for id in ids {
      try Self.require(id < vocabularySize, field, "an id below vocab_size \(vocabularySize)", id)
    }
  }

  private static func require(_ holds: Bool, _ field: String, _ expected: String, _ found: some Any) throws {
    if !holds {
      throw CogError("the sizes do not fit together", subject: field, expected: expected, found: "\(found)")
    }
  }
}

// MARK: What ends an answer

extension ModelConfiguration {
  private static let endOfTextField = "eos_token_id"

  /// Adds the ids of `eos_token_id` of a `generation_config.json`: `generate` of transformers ends an answer
  /// at those, and at those of `config.json` where it has none.
  ///
  /// - Parameters:
  ///   - bytes: the file's bytes.
  ///   - file: its path, for errors.
  /// - Throws: ``CogError`` when it is no JSON object, or the field is no id of the vocabulary or a list of
  ///   such ids.
  package mutating func addEndOfText(generationJSON bytes: UnsafeRawBufferPointer, file: String) throws {
    try naming(file: file) {
      try Self.requireBelievable(bytes, what: "generation configuration")
      let root = try JSON.parse(bytes, what: "generation configuration")
      guard root.members != nil else {
        throw CogError("the generation configuration is no JSON object", found: root.kind)
      }
      let ids = try FieldReader(root, path: "").tokenIDs(Self.endOfTextField, default: [])
      try addEndOfText(ids, field: Self.endOfTextField)
    }
  }

  /// Adds ids that end an answer.
  ///
  /// - Parameter field: where they stand, for the error.
  /// - Throws: ``CogError`` when one is no id of the vocabulary.
  package mutating func addEndOfText(_ ids: [Int], field: String) throws {
    try requireTokens(ids, field)
    var known = Set(endOfTextIDs)
    endOfTextIDs += ids.filter { known.insert($0).inserted }
  }
}

extension VisionConfiguration {
  fileprivate init(fields: FieldReader) throws {
    try fields.require("hidden_act", oneOf: ["gelu"])
    hiddenSize = try fields.size("hidden_size")
    intermediateSize = try fields.size("intermediate_size")
    layerCount = try fields.size("num_hidden_layers", limit: 4096)
    headCount = try fields.size("num_heads")
    imageSize = try fields.size("image_size", limit: 4096)
    patchSize = try fields.size("patch_size", limit: 4096)
    channelCount = try fields.size("in_channels", limit: 16)
    positionCount = try fields.size("num_positions")
    layerNormEpsilon = try fields.epsilon("layer_norm_eps")
  }
}
