/// What a model says about itself beside its tensors (`Formats/native.md`, "Metadata").
package struct ModelMetadata: Equatable, Sendable, Codable {
  /// The text of the checkpoint's `config.json`, unchanged.
  package var config: String
  /// All ids that end an answer, where `config.json` alone does not say them; else nil.
  package var endOfText: [Int]?
  /// Where the tensors come from.
  package var provenance: Provenance
  /// How they were stored.
  package var recipe: Recipe
  /// What was lost that a person should know, one sentence each; nil where nothing was.
  package var warnings: [String]?

  /// Metadata of a new file.
  package init(
    config: String, endOfText: [Int]? = nil, provenance: Provenance, recipe: Recipe,
    warnings: [String]? = nil
  ) {
    self.config = config
    self.endOfText = endOfText
    self.provenance = provenance
    self.recipe = recipe
    self.warnings = warnings
  }

  /// Where the tensors come from.
  package struct Provenance: Equatable, Sendable, Codable {
    /// Name and version of the program that wrote the file.
    package var tool: String
    /// The files that were read.
    package var sources: [SourceFile]

    /// Provenance of a new file.
    package init(tool: String, sources: [SourceFile]) {
      self.tool = tool
      self.sources = sources
    }
  }

  /// A file that was read.
  package struct SourceFile: Equatable, Sendable, Codable {
    /// Its name without the folder.
    package var name: String
    /// Its size in bytes.
    package var bytes: Int
    /// Its SHA-256 in hexadecimal, as model hubs show it.
    package var sha256: String

    /// A source file.
    package init(name: String, bytes: Int, sha256: String) {
      self.name = name
      self.bytes = bytes
      self.sha256 = sha256
    }
  }

  /// How the tensors were stored: for each kind of tensor an encoding as ``TensorEncoding/label`` shows it,
  /// or "source".
  package struct Recipe: Equatable, Sendable, Codable {
    /// The weights of the language model's linear layers.
    package var linear: String
    /// The weights of the vision tower's linear layers.
    package var vision: String
    /// The weights of the adapter's linear layers.
    package var adapter: String
    /// The embedding table.
    package var embedding: String
    /// The output head.
    package var head: String
    /// Everything else.
    package var other: String
    /// Exceptions by name; of several that fit a tensor the last one counts.
    package var overrides: [Override]
    /// How scales were chosen, or "none" when nothing was quantized.
    package var method: String
    /// What the method was given beside the weights, each under its name; nil where that was nothing.
    package var calibration: [String: String]?
    /// What the encodings of the linear layers were chosen by, each under its name; nil where a person has
    /// said them.
    package var budget: [String: String]?

    /// A recipe; the vision tower and the adapter follow `linear` unless they are named.
    package init(
      linear: String, vision: String? = nil, adapter: String? = nil, embedding: String, head: String,
      other: String,
      overrides: [Override] = [], method: String, calibration: [String: String]? = nil,
      budget: [String: String]? = nil
    ) {
      self.linear = linear
      self.vision = vision ?? linear
      self.adapter = adapter ?? linear
      self.embedding = embedding
      self.head = head
      self.other = other
      self.overrides = overrides
      self.method = method
      self.calibration = calibration
      self.budget = budget
    }
  }

  /// An exception of a recipe.
  package struct Override: Equatable, Sendable, Codable {
    /// Tensor names that it is for, with `*` and `?` as in file names.
    package var pattern: String
    /// Their encoding, or "source".
    package var encoding: String

    /// An exception.
    package init(pattern: String, encoding: String) {
      self.pattern = pattern
      self.encoding = encoding
    }
  }
}
