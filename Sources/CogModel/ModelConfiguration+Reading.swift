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
    endOfTextID = try fields.tokenID("eos_token_id", default: 128001)
    padID = try fields.tokenID("pad_token_id", default: 128002)
    vision = try VisionConfiguration(fields: fields.nested("vision_config"))
    guard try fields.flag("tie_word_embeddings", default: false) == false else {
      throw CogError(
        "tied embeddings are not part of this model", code: .wrongModel, subject: "tie_word_embeddings")
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
    for (field, id) in [
      ("bos_token_id", beginOfTextID), ("eos_token_id", endOfTextID), ("pad_token_id", padID),
    ] {
      try Self.require(id < vocabularySize, field, "an id below vocab_size \(vocabularySize)", id)
    }
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

  private static func require(_ holds: Bool, _ field: String, _ expected: String, _ found: some Any) throws {
    if !holds {
      throw CogError("the sizes do not fit together", subject: field, expected: expected, found: "\(found)")
    }
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
