extension EncodingFamily {
  /// Signed 8-bit weights with a scale for each group (`Formats/int4.md`). -128 does not occur.
  package static let int8 = EncodingFamily(
    name: "int8", directoryCode: 17, codes: QuantizedCodes(bits: 8, range: -127...127, hasZeroPoints: false),
    groupSizes: [32, 64, 128], defaultGroupSize: 64)
}

extension TensorEncoding {
  /// ``EncodingFamily/int8`` in groups of `groupSize` columns.
  package static func int8(groupSize: Int) -> TensorEncoding { TensorEncoding(.int8, groupSize: groupSize) }
}
