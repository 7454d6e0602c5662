import CogBase
import CogModel
import Foundation
import Testing

@Suite("The registry of encodings")
struct EncodingRegistryTests {
  private static let encodings =
    EncodingRegistry.families.filter { $0.codes == nil }.map { TensorEncoding($0) }
    + EncodingRegistry.quantizedEncodings

  @Test("families have names and directory codes of their own")
  func distinct() {
    let families = EncodingRegistry.families
    #expect(Set(families.map(\.name)).count == families.count)
    let codes = families.compactMap(\.directoryCode)
    #expect(Set(codes).count == codes.count)
    #expect(Set(families.compactMap(\.elementType)) == Set(ElementType.allCases))
  }

  @Test(
    "directory codes are those of the format",
    arguments: [
      ("F32", 1), ("F16", 2), ("BF16", 3), ("F64", 4), ("int4/64", 16), ("int8/32", 17),
    ] as [(String, UInt32)])
  func codes(label: String, code: UInt32) throws {
    let encoding = try #require(EncodingRegistry.encoding(label: label))
    #expect(encoding.directoryCode == code)
    let groupSize = UInt32(encoding.groupSize ?? 0)
    #expect(try EncodingRegistry.encoding(directoryCode: code, groupSize: groupSize) == encoding)
  }

  @Test("an encoding is found by its label, and its label is its JSON", arguments: encodings)
  func labels(encoding: TensorEncoding) throws {
    #expect(EncodingRegistry.encoding(label: encoding.label) == encoding)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    let json = try encoder.encode([encoding])
    #expect(String(decoding: json, as: UTF8.self) == "[\"\(encoding.label)\"]")
    #expect(try JSONDecoder().decode([TensorEncoding].self, from: json) == [encoding])
  }

  @Test(
    "a label that no encoding has is refused",
    arguments: [
      "int4", "int4/48", "int4/", "int4/64/", "INT4/64", "BF16/64", "bf16", "", "/64",
    ])
  func wrongLabels(label: String) {
    #expect(EncodingRegistry.encoding(label: label) == nil)
    let json = Data("[\"\(label)\"]".utf8)
    #expect(throws: CogError.self) { try JSONDecoder().decode([TensorEncoding].self, from: json) }
  }

  @Test("what a family offers is asked for in any case, with or without the size of its groups")
  func offers() {
    for family in EncodingRegistry.offered {
      let expected = TensorEncoding(family, groupSize: family.defaultGroupSize)
      #expect(EncodingRegistry.offeredEncoding(family.name.lowercased()) == expected)
      #expect(EncodingRegistry.offeredEncoding(family.name.uppercased()) == expected)
      for groupSize in family.groupSizes {
        #expect(
          EncodingRegistry.offeredEncoding("\(family.name)/\(groupSize)")
            == TensorEncoding(family, groupSize: groupSize))
      }
    }
    #expect(EncodingRegistry.offeredEncoding("f64") == nil && EncodingRegistry.offeredEncoding("i8") == nil)
  }

  @Test("the words for what is offered name it all")
  func words() {
    #expect(
      EncodingRegistry.offeredNames
        == "BF16, F16, F32, int4 or int8 (groups of 64), or int4/32, int4/64, int4/128, "
        + "int8/32, int8/64, int8/128")
    #expect(EncodingRegistry.quantizedNames == "int4 or int8 in groups of 32, 64 or 128")
  }

  @Test("codes that the directory does not have are refused, and those that it has are named")
  func unknownCodes() {
    let unknown = #expect(throws: CogError.self) {
      try EncodingRegistry.encoding(directoryCode: 5, groupSize: 0)
    }
    #expect(unknown?.expected == "1 to 4, 16 or 17" && unknown?.code == .unsupported)
    let source = #expect(throws: CogError.self) { try EncodingRegistry.elementType(directoryCode: 16) }
    #expect(source?.expected == "1 to 4" && source?.found == "16")
    #expect(throws: CogError.self) { try EncodingRegistry.encoding(directoryCode: 1, groupSize: 64) }
  }

  @Test(
    "a quantized family's codes fit its bits, its groups fit a line", arguments: EncodingRegistry.quantized)
  func codes(family: EncodingFamily) throws {
    let codes = try #require(family.codes)
    #expect(8 % codes.bits == 0 && codes.range.count <= 1 << codes.bits)
    #expect(family.groupSizes == family.groupSizes.sorted() && !family.groupSizes.isEmpty)
    #expect(family.groupSizes.allSatisfy { $0 % 8 == 0 })
    #expect(family.groupSizes.contains(family.defaultGroupSize ?? 0))
    for code in codes.range {
      for shift in stride(from: 0, to: 8, by: codes.bits) {
        let stored = UInt8(code & (1 << codes.bits - 1)) << shift
        let others = ~(UInt8(truncatingIfNeeded: 1 << codes.bits - 1) << shift)
        #expect(codes.code(in: stored, above: shift) == code)
        #expect(codes.code(in: stored | others, above: shift) == code)
      }
    }
  }

  @Test("a plain tensor takes its elements' bytes, a quantized one its layout's", arguments: encodings)
  func byteCounts(encoding: TensorEncoding) throws {
    let shape: Shape = [20, 72]
    if let type = encoding.plainType {
      #expect(try encoding.byteCount(of: shape) == (20 * 72 * type.bitWidth + 7) / 8)
      #expect(!encoding.isQuantized && encoding.bits == type.bitWidth)
    } else {
      let layout = try PanelLayout(encoding: encoding, shape: shape)
      #expect(encoding.isQuantized && layout.encoding == encoding)
      #expect(try encoding.byteCount(of: shape) == layout.byteCount)
    }
  }
}
