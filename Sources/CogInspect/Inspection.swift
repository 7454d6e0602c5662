public import CogBase
public import CogModel

/// What is inside a checkpoint, from its headers alone: files, tensors, parts, sizes, metadata, completeness.
///
/// Any source can be shown: the memberwise pieces are public, so that a quantized file, whose tensors have types of
/// their own, fills them itself.
public struct Inspection: Equatable, Sendable, Codable {
  /// A file of the checkpoint.
  public struct File: Equatable, Sendable, Codable {
    /// Its path.
    public let path: String
    /// What it is, such as `safetensors`, `torchZip` or `json`.
    public let kind: String
    /// Its length in bytes.
    public let byteCount: Int

    /// A file of the checkpoint.
    public init(path: String, kind: String, byteCount: Int) {
      (self.path, self.kind, self.byteCount) = (path, kind, byteCount)
    }
  }

  /// A tensor.
  public struct Tensor: Equatable, Sendable, Codable {
    /// Its name.
    public let name: String
    /// The type of its elements, such as `BF16`.
    public let type: String
    /// Its shape.
    public let shape: Shape
    /// The number of its elements.
    public let parameterCount: Int
    /// Bytes that it takes.
    public let byteCount: Int
    /// The file that holds it.
    public let file: String
    /// Where its first byte lies in the file, or nil where it is compressed or not stored row by row.
    public let offset: Int?
    /// The part of the model it belongs to, or what its name begins with when the model is not known.
    public let part: String
    /// What it does, such as `mlpGate`; of a reference bundle `input` or `tap`. Nil when the model has no such tensor
    /// or is not known.
    public let role: String?

    /// A tensor as it is listed.
    public init(
      name: String, type: String, shape: Shape, byteCount: Int, file: String, offset: Int?, part: String,
      role: String? = nil
    ) {
      (self.name, self.type, self.shape, self.byteCount) = (name, type, shape, byteCount)
      (self.file, self.offset, self.part, self.role) = (file, offset, part, role)
      parameterCount = shape.elementCount
    }
  }

  /// The sizes of a group of tensors.
  public struct Part: Equatable, Sendable, Codable {
    /// The part of the model.
    public let name: String
    /// The number of its tensors.
    public let tensorCount: Int
    /// The number of their elements.
    public let parameterCount: Int
    /// Bytes that they take.
    public let byteCount: Int
    /// `8 * byteCount / parameterCount`; 0 for no elements.
    public let bitsPerWeight: Double
  }

  /// A tensor with values that are no finite numbers.
  public struct NonFinite: Equatable, Sendable, Codable {
    /// Its name.
    public let name: String
    /// How many of its values are NaN.
    public let nan: Int
    /// How many are infinite.
    public let infinite: Int
  }

  /// The path that was looked at.
  public let path: String
  /// The files, those with tensors first.
  public let files: [File]
  /// The parts of the model in the order of their first tensor.
  public let parts: [Part]
  /// All tensors together, under the name `total`.
  public let total: Part
  /// The tensors in the order in which they lie in the files.
  public let tensors: [Tensor]
  /// Text that the files carry, and the fields of the configuration (`config.hidden_size`).
  public let metadata: [String: String]
  /// How the tensors compare with those of the model; nil when there is no configuration to compare with, or when
  /// one shard of several was looked at.
  public let completeness: Completeness?
  /// Tensors with NaN or infinite values; nil when the values were not looked at.
  public internal(set) var nonFinite: [NonFinite]?
  /// What a reader of the listing should know besides.
  public internal(set) var notes: [String]

  /// An inspection of tensors that were listed already.
  public init(
    path: String, files: [File], tensors: [Tensor], metadata: [String: String], completeness: Completeness?,
    notes: [String] = []
  ) {
    (self.path, self.files, self.tensors, self.metadata) = (path, files, tensors, metadata)
    (self.completeness, self.notes) = (completeness, notes)
    var order: [String] = []
    var groups: [String: [Tensor]] = [:]
    for tensor in tensors {
      if groups[tensor.part] == nil { order.append(tensor.part) }
      groups[tensor.part, default: []].append(tensor)
    }
    parts = order.map { Part(name: $0, tensors: groups[$0] ?? []) }
    total = Part(name: "total", tensors: tensors)
  }
}

extension Inspection.Part {
  /// The sum of the tensors' sizes; a sum beyond 63 bits (only a made-up file has one) stays at the largest number.
  fileprivate init(name: String, tensors: [Inspection.Tensor]) {
    func sum(_ sizes: some Sequence<Int>) -> Int {
      sizes.reduce(0) { total, size in
        let (sum, overflow) = total.addingReportingOverflow(size)
        return overflow ? .max : sum
      }
    }
    self.name = name
    tensorCount = tensors.count
    parameterCount = sum(tensors.lazy.map(\.parameterCount))
    byteCount = sum(tensors.lazy.map(\.byteCount))
    bitsPerWeight = parameterCount == 0 ? 0 : 8 * Double(byteCount) / Double(parameterCount)
  }
}
