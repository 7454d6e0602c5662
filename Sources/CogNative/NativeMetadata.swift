/// What a native file says about itself (`Formats/native.md`, "Metadata").
public struct NativeMetadata: Equatable, Sendable, Codable {
  /// The text of the checkpoint's `config.json`, unchanged.
  public var config: String
  /// Where the tensors come from.
  public var provenance: Provenance
  /// How they were stored.
  public var recipe: Recipe

  /// Metadata of a new file.
  public init(config: String, provenance: Provenance, recipe: Recipe) {
    self.config = config
    self.provenance = provenance
    self.recipe = recipe
  }

  /// Where the tensors come from.
  public struct Provenance: Equatable, Sendable, Codable {
    /// Name and version of the program that wrote the file.
    public var tool: String
    /// The files that were read.
    public var sources: [SourceFile]

    /// Provenance of a new file.
    public init(tool: String, sources: [SourceFile]) {
      self.tool = tool
      self.sources = sources
    }
  }

  /// A file that was read.
  public struct SourceFile: Equatable, Sendable, Codable {
    /// Its name without the folder.
    public var name: String
    /// Its size in bytes.
    public var bytes: Int
    /// Its SHA-256 in hexadecimal, as model hubs show it.
    public var sha256: String

    /// A source file.
    public init(name: String, bytes: Int, sha256: String) {
      self.name = name
      self.bytes = bytes
      self.sha256 = sha256
    }
  }

  /// How the tensors were stored: for each kind of tensor an encoding as ``TensorEncoding/label`` shows it, or
  /// "source".
  public struct Recipe: Equatable, Sendable, Codable {
    /// The weights of the language model's linear layers.
    public var linear: String
    /// The weights of the vision tower's linear layers.
    public var vision: String
    /// The weights of the adapter's linear layers.
    public var adapter: String
    /// The embedding table.
    public var embedding: String
    /// The output head.
    public var head: String
    /// Everything else.
    public var other: String
    /// Exceptions by name; of several that fit a tensor the last one counts.
    public var overrides: [Override]
    /// How scales were chosen, or "none" when nothing was quantized.
    public var method: String

    /// A recipe; the vision tower and the adapter follow `linear` unless they are named.
    public init(
      linear: String, vision: String? = nil, adapter: String? = nil, embedding: String, head: String,
      other: String,
      overrides: [Override] = [], method: String
    ) {
      self.linear = linear
      self.vision = vision ?? linear
      self.adapter = adapter ?? linear
      self.embedding = embedding
      self.head = head
      self.other = other
      self.overrides = overrides
      self.method = method
    }
  }

  /// An exception of a recipe.
  public struct Override: Equatable, Sendable, Codable {
    /// Tensor names that it is for, with `*` and `?` as in file names.
    public var pattern: String
    /// Their encoding, or "source".
    public var encoding: String

    /// An exception.
    public init(pattern: String, encoding: String) {
      self.pattern = pattern
      self.encoding = encoding
    }
  }
}
