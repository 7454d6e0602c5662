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

  /// How the tensors were stored.
  public struct Recipe: Equatable, Sendable, Codable {
    /// Encoding of the linear layers' weights, as ``TensorEncoding/label`` shows it, or "source".
    public var linear: String
    /// Encoding of the embedding table.
    public var embedding: String
    /// Encoding of the output head.
    public var head: String
    /// Encoding of everything else.
    public var other: String
    /// How scales were chosen, or "none" when nothing was quantized.
    public var method: String

    /// A recipe.
    public init(linear: String, embedding: String, head: String, other: String, method: String) {
      self.linear = linear
      self.embedding = embedding
      self.head = head
      self.other = other
      self.method = method
    }
  }
}
