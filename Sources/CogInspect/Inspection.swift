package import CogBase
package import CogModel

/// What is inside a checkpoint, from its headers alone: files, tensors, parts, sizes, metadata, completeness.
///
/// Any source can be shown: the memberwise pieces are visible, so that a quantized file, whose tensors have
/// types of their own, fills them itself.
package struct Inspection: Equatable, Sendable, Codable {
  /// A file of the checkpoint.
  package struct File: Equatable, Sendable, Codable {
    /// Its path.
    package let path: String
    /// What it is, such as `safetensors`, `torchZip` or `json`.
    package let kind: String
    /// Its length in bytes.
    package let byteCount: Int

    /// A file of the checkpoint.
    package init(path: String, kind: String, byteCount: Int) {
      (self.path, self.kind, self.byteCount) = (path, kind, byteCount)
    }
  }

  /// A tensor.
  package struct Tensor: Equatable, Sendable, Codable {
    /// Its name.
    package let name: String
    /// How its elements are stored; its JSON is the label, such as `BF16`.
    package let type: TensorEncoding
    /// Its shape.
    package let shape: Shape
    /// The number of its elements.
    package let parameterCount: Int
    /// Bytes that it takes.
    package let byteCount: Int
    /// The file that holds it.
    package let file: String
    /// Where its first byte lies in the file, or nil where it is compressed or not stored row by row.
    package let offset: Int?
    /// The part of the model it belongs to, or what its name begins with when the model is not known.
    package let part: String
    /// What it does, such as `mlpGate`; of a reference bundle `input` or `tap`. Nil when the model has no
    /// such tensor or is not known.
    package let role: InspectedRole?

    /// A tensor as it is listed.
    package init(
      name: String, type: TensorEncoding, shape: Shape, byteCount: Int, file: String, offset: Int?,
      part: String, role: InspectedRole? = nil
    ) {
      (self.name, self.type, self.shape, self.byteCount) = (name, type, shape, byteCount)
      (self.file, self.offset, self.part, self.role) = (file, offset, part, role)
      parameterCount = shape.elementCount
    }

    /// A tensor of a store.
    ///
    /// - Parameters:
    ///   - part: the entry's own unless it is given.
    ///   - role: likewise.
    init(_ entry: TensorEntry, part: String? = nil, role: InspectedRole? = nil) {
      self.init(
        name: entry.name, type: entry.encoding, shape: entry.shape, byteCount: entry.byteCount,
        file: entry.file, offset: entry.offset, part: part ?? entry.partName,
        role: role ?? entry.role.map(InspectedRole.model))
    }
  }

  /// The sizes of a group of tensors.
  package struct Part: Equatable, Sendable, Codable {
    /// The part of the model.
    package let name: String
    /// The number of its tensors.
    package let tensorCount: Int
    /// The number of their elements.
    package let parameterCount: Int
    /// Bytes that they take.
    package let byteCount: Int
    /// `8 * byteCount / parameterCount`; 0 for no elements.
    package let bitsPerWeight: Double
  }

  /// A tensor with values that are not finite.
  package struct NonFinite: Equatable, Sendable, Codable {
    /// Its name.
    package let name: String
    /// How many of its values are NaN.
    package let nan: Int
    /// How many are infinite.
    package let infinite: Int
  }

  /// A tensor with zeros where weights should be, as a broken download leaves them.
  package struct Zeros: Equatable, Sendable, Codable {
    /// Its name.
    package let name: String
    /// The file that holds it.
    package let file: String
    /// What is told about it.
    package let problem: String
    /// Byte ranges of zeros, from the tensor's first byte on; the first of them.
    package let holes: [ZeroFindings.Hole]
    /// How many such ranges there are, and their bytes.
    package let holeCount: Int
    package let holeBytes: Int
  }

  /// The path that was inspected.
  package let path: String
  /// The files, those with tensors first.
  package let files: [File]
  /// The parts of the model in the order of their first tensor.
  package let parts: [Part]
  /// All tensors together, under the name `total`.
  package let total: Part
  /// The tensors in the order in which they lie in the files.
  package let tensors: [Tensor]
  /// Text that the files carry, and the fields of the configuration (`config.hidden_size`).
  package let metadata: [String: String]
  /// How the tensors compare with those of the model; nil when there is no configuration to compare with, or
  /// when one shard of several was looked at.
  package let completeness: Completeness?
  /// Tensors with NaN or infinite values; nil when the values were not checked.
  package internal(set) var nonFinite: [NonFinite]?
  /// Tensors with zeros where weights should be; nil when the values were not checked.
  package internal(set) var zeros: [Zeros]?
  /// What a reader of the listing should know besides.
  package internal(set) var notes: [String]

  /// An inspection of tensors that were listed already.
  package init(
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
  /// The sum of the tensors' sizes; a sum beyond 63 bits (only a made-up file has one) stays at the largest
  /// number.
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
