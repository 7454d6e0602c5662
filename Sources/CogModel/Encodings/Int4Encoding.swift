extension EncodingFamily {
  /// Unsigned 4-bit weights with a scale and a zero point for each group (`Formats/int4.md`).
  package static let int4 = EncodingFamily(
    name: "int4", directoryCode: 16, codes: QuantizedCodes(bits: 4, range: 0...15, hasZeroPoints: true),
    groupSizes: [32, 64, 128], defaultGroupSize: 64)
}

extension TensorEncoding {
  /// ``EncodingFamily/int4`` in groups of `groupSize` columns.
  package static func int4(groupSize: Int) -> TensorEncoding { TensorEncoding(.int4, groupSize: groupSize) }
}
