public import CogBase

/// How the tensors of one source differ from those of another: what `cogvlm diff A B` finds. B is the reference.
public struct Comparison: Equatable, Sendable, Codable {
  /// Where the largest relative error of a group of neighboring columns lies.
  public struct WorstGroup: Equatable, Sendable, Codable {
    /// Its relative L2 error; infinite where the reference's group is zero.
    public let relativeL2: Double
    /// The row, of the tensor seen as `[first dimension, product of the others]`.
    public let row: Int
    /// The number of the group within its row.
    public let group: Int
    /// Columns of a group: those of the quantized side, or 64.
    public let size: Int
  }

  /// Two tensors of one name and shape.
  public struct Tensor: Equatable, Sendable, Codable {
    /// Their name.
    public let name: String
    /// The part of the model.
    public let part: String
    /// Their shape.
    public let shape: Shape
    /// The element type or encoding in A.
    public let typeA: String
    /// The element type or encoding in B.
    public let typeB: String
    /// Whether type and all bytes are the same. The measures are those of equal values then.
    public let isIdentical: Bool
    /// `|a - b| / |b|`; not a number where ``notFinite`` is not 0, as are the next three.
    public let relativeL2: Double?
    /// Signal to noise in dB.
    public let sqnr: Double?
    /// The largest absolute difference.
    public let maxAbs: Double?
    /// `a . b / (|a| |b|)`.
    public let cosine: Double?
    /// The indices of the largest difference, the first of equal ones; nil where there is none.
    public let maxAbsAt: [Int]?
    /// Nil where there is no difference.
    public let worstGroup: WorstGroup?
    /// Elements that are NaN or infinite on a side and not the same on the other.
    public let notFinite: Int
    /// The indices of the first of them.
    public let firstNotFinite: [Int]?
  }

  /// Tensors of a part, or all, as if they were one.
  public struct Group: Equatable, Sendable, Codable {
    /// The part, or `total`.
    public let name: String
    /// The number of its tensors that were compared.
    public let tensorCount: Int
    /// Those of them that are the same to the bit.
    public let identicalCount: Int
    /// `|a - b| / |b|` over all of them.
    public let relativeL2: Double
    /// Signal to noise in dB.
    public let sqnr: Double
    /// The largest absolute difference.
    public let maxAbs: Double
    /// `a . b / (|a| |b|)`.
    public let cosine: Double
  }

  /// Two tensors of one name and different shapes.
  public struct Misshapen: Equatable, Sendable, Codable {
    /// Their name.
    public let name: String
    /// The shape in A.
    public let shapeA: Shape
    /// The shape in B.
    public let shapeB: Shape
  }

  /// The path of A.
  public let a: String
  /// The path of B, the reference.
  public let b: String
  /// What a reader should know besides.
  public let notes: [String]
  /// The tensors that both have in one shape, in the order of A's files.
  public let tensors: [Tensor]
  /// The parts in the order of their first tensor.
  public let parts: [Group]
  /// All tensors.
  public let total: Group
  /// Tensors that B has and A has not.
  public let missingInA: [String]
  /// Tensors that A has and B has not.
  public let missingInB: [String]
  /// Tensors of different shapes.
  public let misshapen: [Misshapen]

  /// The tensors that differ by more than `limit` in relative L2, or in what is not finite, or that could only be compared
  /// by their bytes and differ.
  public func tensors(over limit: Double) -> [Tensor] {
    tensors.filter { tensor in
      guard !tensor.isIdentical else { return false }
      // False for NaN.
      return !((tensor.relativeL2 ?? .infinity) <= limit)
    }
  }

  /// Whether both have the same tensors in the same shapes, and none differs by more than `limit`.
  public func passes(limit: Double) -> Bool {
    missingInA.isEmpty && missingInB.isEmpty && misshapen.isEmpty && tensors(over: limit).isEmpty
  }
}
