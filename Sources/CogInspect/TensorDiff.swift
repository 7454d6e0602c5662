package import CogBase
package import CogModel

/// How the tensors of one source differ from those of another: what `cogvlm diff A B` finds. B is the
/// reference.
package struct TensorDiff: Equatable, Sendable, Codable {
  /// Where the largest relative error of a group of neighboring columns lies.
  package struct WorstGroup: Equatable, Sendable, Codable {
    /// Its relative L2 error; infinite where the reference's group is zero.
    package let relativeL2: Double
    /// The row, of the tensor seen as `[first dimension, product of the others]`.
    package let row: Int
    /// The number of the group within its row.
    package let group: Int
    /// Columns of a group: those of the quantized side, or 64.
    package let size: Int
  }

  /// Two tensors of one name and shape.
  package struct Tensor: Equatable, Sendable, Codable {
    /// Their name.
    package let name: String
    /// The part of the model.
    package let part: String
    /// Their shape.
    package let shape: Shape
    /// The element type or encoding in A.
    package let typeA: TensorEncoding
    /// The element type or encoding in B.
    package let typeB: TensorEncoding
    /// Whether type and all bytes are the same. The measures are those of equal values then.
    package let isIdentical: Bool
    /// `|a - b| / |b|`; not a number where ``notFinite`` is not 0, as are the next three.
    package let relativeL2: Double?
    /// Signal to noise in dB.
    package let sqnr: Double?
    /// The largest absolute difference.
    package let maxAbs: Double?
    /// `a . b / (|a| |b|)`.
    package let cosine: Double?
    /// The indices of the largest difference, the first of equal ones; nil where there is none.
    package let maxAbsAt: [Int]?
    /// Nil where there is no difference.
    package let worstGroup: WorstGroup?
    /// Elements that are NaN or infinite on a side and not the same on the other.
    package let notFinite: Int
    /// The indices of the first of them.
    package let firstNotFinite: [Int]?
  }

  /// Tensors of a part, or all, as if they were one.
  package struct Group: Equatable, Sendable, Codable {
    /// The part, or `total`.
    package let name: String
    /// The number of its tensors that were compared.
    package let tensorCount: Int
    /// Those of them that are the same to the bit.
    package let identicalCount: Int
    /// `|a - b| / |b|` over all of them.
    package let relativeL2: Double
    /// Signal to noise in dB.
    package let sqnr: Double
    /// The largest absolute difference.
    package let maxAbs: Double
    /// `a . b / (|a| |b|)`.
    package let cosine: Double
  }

  /// Two tensors of one name and different shapes.
  package struct Misshapen: Equatable, Sendable, Codable {
    /// Their name.
    package let name: String
    /// The shape in A.
    package let shapeA: Shape
    /// The shape in B.
    package let shapeB: Shape
  }

  /// The path of A.
  package let a: String
  /// The path of B, the reference.
  package let b: String
  /// What a reader should know besides.
  package let notes: [String]
  /// The tensors that both have in one shape, in the order of A's files.
  package let tensors: [Tensor]
  /// The parts in the order of their first tensor.
  package let parts: [Group]
  /// All tensors.
  package let total: Group
  /// Tensors that B has and A has not.
  package let missingInA: [String]
  /// Tensors that A has and B has not.
  package let missingInB: [String]
  /// Tensors of different shapes.
  package let misshapen: [Misshapen]
  /// Tensors that have each other's values.
  package let swapped: [Swap]

  /// The tensors that differ by more than `limit` in relative L2, or in what is not finite, or that could
  /// only be compared by their bytes and differ.
  package func tensors(over limit: Double) -> [Tensor] {
    tensors.filter { tensor in
      guard !tensor.isIdentical else { return false }
      // False for NaN.
      return !((tensor.relativeL2 ?? .infinity) <= limit)
    }
  }

  /// Whether both have the same tensors in the same shapes, and none differs by more than `limit`.
  package func passes(limit: Double) -> Bool {
    missingInA.isEmpty && missingInB.isEmpty && misshapen.isEmpty && tensors(over: limit).isEmpty
  }
}
