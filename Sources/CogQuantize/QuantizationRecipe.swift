package import CogBase
package import CogModel

/// Which encoding each tensor gets.
///
/// Weights of linear layers and the embedding table may be quantized; norms, biases, positions, the patch
/// projection, the convolution, `boi` and `eoi` follow ``TensorKind/other`` and stay floating-point numbers.
/// The rotary frequencies always keep the source's type: rounding them again would change every angle.
package struct QuantizationRecipe: Sendable {
  /// The kinds of tensors that have a setting of their own.
  package enum TensorKind: String, Sendable, CaseIterable {
    /// Linear layers of the language model.
    case linear
    /// Linear layers of the vision tower.
    case vision
    /// Linear layers of the adapter.
    case adapter
    /// The embedding table.
    case embedding
    /// The output head.
    case head
    /// Everything that is no matrix.
    case other
  }

  /// An exception for tensors by name.
  package struct Override: Equatable, Sendable {
    /// Tensor names, with `*`, `?` and `[...]` as in file names; `*` also stands for dots.
    package let pattern: String
    /// What they get.
    package let rule: StorageRule

    /// An exception.
    package init(pattern: String, rule: StorageRule) {
      self.pattern = pattern
      self.rule = rule
    }

    /// Reads `PATTERN=ENCODING`, such as `model.layers.0.*=int8/64`.
    ///
    /// - Throws: ``CogError`` when there is no `=` or no such encoding.
    package init(parsing text: String) throws {
      guard let separator = text.lastIndex(of: "="), separator != text.startIndex else {
        throw CogError(
          "an override is a pattern and an encoding", subject: "--set",
          expected: "PATTERN=ENCODING, such as model.layers.0.*=int8/64", found: "\"\(text)\"")
      }
      pattern = String(text[..<separator])
      rule = try StorageRule(
        parsing: String(text[text.index(after: separator)...]), subject: "--set \(pattern)")
    }
  }

  /// The setting of each kind.
  private var rules: [TensorKind: StorageRule]
  /// Exceptions; of several that fit a tensor the last one counts. One that quantizes is for the matrices
  /// among the names that it fits.
  package var overrides: [Override] = []
  /// How codes and scales of the quantized tensors are found.
  package var method: any QuantizationMethod = LeastSquares()
  /// The budget that the encodings of the linear layers come from; nil where a person has said them all.
  package var budget: EncodingBudget?

  /// The names that ``init(preset:)`` knows, the default first.
  package static let presets = ["int4", "int4-small", "int4-fine", "int8"]

  /// A recipe by name.
  ///
  /// - `int4`: int4 in groups of 64, embedding table and head int8: the default. On the sample model's hidden
  ///   states an int8 head leaves logits within 0.6 % (mean KL 1.4e-4 nats, 99.0 % of the likeliest tokens
  ///   kept), an int4 head within 8.2 % (3.0e-2 nats, 93.8 %); at the published sizes it costs 254 MB of 7.37
  ///   GB.
  /// - `int4-small`: int4 in groups of 128 throughout: the smallest file.
  /// - `int4-fine`: int4 in groups of 32, embedding table and head int8.
  /// - `int8`: int8 in groups of 64 throughout.
  ///
  /// - Throws: ``CogError`` when there is no such preset.
  package init(preset: String) throws {
    switch preset {
    case "int4": self.init(matrices: .int4(groupSize: 64), tables: .int8(groupSize: 64))
    case "int4-small": self.init(matrices: .int4(groupSize: 128), tables: .int4(groupSize: 128))
    case "int4-fine": self.init(matrices: .int4(groupSize: 32), tables: .int8(groupSize: 64))
    case "int8": self.init(matrices: .int8(groupSize: 64), tables: .int8(groupSize: 64))
    default:
      throw CogError(
        "no such preset", subject: "--preset", expected: Self.presets.joined(separator: ", "),
        found: "\"\(preset)\"")
    }
  }

  /// Every tensor as it comes, or in one floating-point type.
  ///
  /// - Parameter type: BF16, F16 or F32, or nil to keep the source's types.
  /// - Throws: ``CogError`` when the type is another.
  package init(floats type: ElementType?) throws {
    guard let type else {
      rules = Dictionary(uniqueKeysWithValues: TensorKind.allCases.map { ($0, .source) })
      return
    }
    guard EncodingFamily.plain(type).isOffered else {
      throw CogError(
        "weights cannot be stored in this type", expected: "BF16, F16 or F32", found: type.rawValue)
    }
    rules = Dictionary(uniqueKeysWithValues: TensorKind.allCases.map { ($0, .encoding(.plain(type))) })
  }

  private init(matrices: TensorEncoding, tables: TensorEncoding) {
    rules = [
      .linear: .encoding(matrices), .vision: .encoding(matrices), .adapter: .encoding(matrices),
      .embedding: .encoding(tables), .head: .encoding(tables), .other: .encoding(.plain(.bfloat16)),
    ]
  }

  /// The setting of a kind.
  package subscript(kind: TensorKind) -> StorageRule { rules[kind] ?? .source }

  /// Changes the setting of a kind.
  ///
  /// - Throws: ``CogError`` when ``TensorKind/other`` is to be quantized.
  package mutating func set(_ kind: TensorKind, to rule: StorageRule) throws {
    guard kind != .other || !rule.isQuantized else {
      throw CogError(
        "only matrices can be quantized", subject: "--\(kind.rawValue)", expected: "source, BF16, F16 or F32",
        found: rule.description)
    }
    rules[kind] = rule
  }

  /// Whether any tensor may be quantized.
  package var isQuantized: Bool {
    rules.values.contains(where: \.isQuantized) || overrides.contains(where: \.rule.isQuantized)
  }

  /// The encoding of a tensor.
  ///
  /// - Parameter sourceType: its element type in the source.
  package func encoding(of tensor: TensorSpecification, sourceType: ElementType) -> TensorEncoding {
    if tensor.role == .rotaryFrequencies { return .plain(sourceType) }
    let exception = overrides.last { $0.applies(to: tensor) }
    return (exception?.rule ?? self[TensorKind(of: tensor)]).encoding(sourceType: sourceType)
  }

  /// Checks that every exception is for some tensor of the model.
  ///
  /// - Throws: ``CogError`` naming a pattern that is for none: a slip of the pen must not pass for a setting.
  package func checkOverrides(against table: TensorTable) throws {
    for override in overrides where !table.specifications.contains(where: override.applies) {
      let fitsNames = table.specifications.contains { override.fits($0.name) }
      throw CogError(
        fitsNames ? "the pattern fits no tensor that can be quantized" : "the pattern fits no tensor",
        subject: "--set \(override.pattern)", advice: "cogvlm inspect lists the names.")
    }
  }

  /// The recipe as the file's metadata records it.
  package var metadata: ModelMetadata.Recipe {
    ModelMetadata.Recipe(
      linear: self[.linear].description, vision: self[.vision].description,
      adapter: self[.adapter].description,
      embedding: self[.embedding].description, head: self[.head].description, other: self[.other].description,
      overrides: overrides.map { .init(pattern: $0.pattern, encoding: $0.rule.description) },
      method: isQuantized ? method.record : "none",
      calibration: isQuantized ? method.calibration : nil, budget: budget?.record)
  }
}

extension QuantizationRecipe.TensorKind {
  /// The kind whose setting a tensor follows.
  package init(of tensor: TensorSpecification) {
    guard tensor.role.isMatrix else {
      self = .other
      return
    }
    switch tensor.part {
    case .embedding: self = .embedding
    case .head: self = .head
    case .language: self = .linear
    case .vision, .convolution: self = .vision
    case .adapter: self = .adapter
    }
  }
}
