import CogInspect

/// What is inside a checkpoint or a native file.
public struct Inspection: Equatable, Sendable {
  /// A tensor.
  public struct Tensor: Equatable, Sendable {
    /// Its name.
    public let name: String
    /// Its element type or encoding, such as `BF16` or `int4/64`.
    public let type: String
    /// Its sizes, outermost first.
    public let shape: [Int]
    /// Bytes that it takes.
    public let byteCount: Int
    /// The part of the model, such as `vision`.
    public let part: String
  }

  /// The files, those with tensors first.
  public let files: [String]
  /// The tensors in the order of the files.
  public let tensors: [Tensor]
  /// Text that the files carry, and the fields of the configuration (`config.hidden_size`).
  public let metadata: [String: String]
  /// Whether every tensor of the model is there once, readable and in the right shape, and no other is; nil
  /// where there is no configuration to compare with.
  public let isComplete: Bool?
  /// What is missing, too much, misshapen, not finite or zeros where weights should be, one sentence
  /// each; empty where all is well.
  public let problems: [String]

  init(_ inspection: CogInspect.Inspection) {
    files = inspection.files.map(\.path)
    tensors = inspection.tensors.map { tensor in
      Tensor(
        name: tensor.name, type: tensor.type.label, shape: tensor.shape.dimensions,
        byteCount: tensor.byteCount, part: tensor.part)
    }
    metadata = inspection.metadata
    isComplete = inspection.completeness?.isComplete
    problems =
      (inspection.completeness?.problems ?? [])
      + (inspection.nonFinite ?? []).map { tensor in
        "\(tensor.name): \(tensor.nan) values are NaN and \(tensor.infinite) infinite"
      } + (inspection.zeros ?? []).map { "\($0.name): \($0.problem)" }
  }
}
