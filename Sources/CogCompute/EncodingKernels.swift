import CKernels
import CogBase
import CogModel

/// Which of an instruction set's products take weights of a quantized family. A family in
/// ``EncodingRegistry/quantized`` has a row here; nothing else of this target knows one from another. What
/// reads and writes panels takes all families: it is told their bits.
final class EncodingKernels: Sendable {
  typealias Table = UnsafePointer<CogKernels>

  let family: EncodingFamily
  /// Multiplies weights with so many tokens.
  let product: @Sendable (Table, _ tokens: Int) -> CogProduct
  /// The group sizes whose products can be quantized for the next weight of the same encoding, where the
  /// product has `matmul_next`.
  let chainedGroupSizes: [Int]

  private init(
    family: EncodingFamily, product: @escaping @Sendable (Table, _ tokens: Int) -> CogProduct,
    chainedGroupSizes: [Int]
  ) {
    self.family = family
    self.product = product
    self.chainedGroupSizes = chainedGroupSizes
  }

  /// The rows.
  static let all = [
    EncodingKernels(
      family: .int4,
      product: { $1 >= $0.pointee.many_tokens ? $0.pointee.int4_many : $0.pointee.int4 },
      chainedGroupSizes: [64]),
    EncodingKernels(
      family: .int8,
      product: { table, _ in table.pointee.int8 }, chainedGroupSizes: []),
  ]

  /// The kernels of a quantized tensor's family.
  ///
  /// - Throws: ``CogError`` when the family has none.
  static func of(_ layout: PanelLayout) throws -> EncodingKernels {
    guard let row = all.first(where: { $0.family == layout.encoding.family }) else {
      throw CogError(
        "there are no kernels for this encoding", code: .unsupported, found: layout.encoding.label)
    }
    return row
  }
}
