import CogBase
import CogModel
import Testing

@Suite("Panels of quantized tensors")
struct PanelLayoutTests {
  @Test(
    "scales, zero points and weights fill a tensor without touching each other",
    arguments: [(16, 8), (17, 8), (33, 72), (5, 100), (1, 1), (48, 200)])
  func placesAreDistinct(rows: Int, columns: Int) throws {
    for encoding in EncodingRegistry.quantizedEncodings {
      let layout = try PanelLayout(encoding: encoding, rows: rows, columns: columns)
      var uses = [Int](repeating: 0, count: 8 * layout.byteCount)
      func use(_ offset: Int, bits: Range<Int> = 0..<8) {
        for bit in bits { uses[8 * offset + bit] += 1 }
      }
      for row in 0..<layout.panelCount * 16 {
        for group in 0..<layout.groupCount {
          let scale = layout.scaleOffset(row: row, group: group)
          use(scale)
          use(scale + 1)
          if layout.codes.hasZeroPoints { use(layout.zeroOffset(row: row, group: group)) }
        }
        for column in 0..<layout.paddedColumns {
          let (offset, shift) = layout.weightOffset(row: row, column: column)
          use(offset, bits: shift..<shift + encoding.bits)
        }
      }
      #expect(uses.allSatisfy { $0 <= 1 }, "\(encoding.label)")
      // What is not used are the places of the groups that a row's last block does not have.
      let unused = uses.filter { $0 == 0 }.count / 8
      let missing = (4 - layout.groupCount % 4) % 4
      #expect(unused == layout.panelCount * missing * 16 * (layout.codes.hasZeroPoints ? 3 : 2))
    }
  }

  @Test("the sizes of the published model's matrices are those of the text")
  func publishedSizes() throws {
    let layout = try PanelLayout(encoding: .int4(groupSize: 64), rows: 14336, columns: 4096)
    #expect(layout.panelCount == 896 && layout.groupCount == 64 && layout.headerBytes == 4 * 48)
    #expect(layout.blockBytes == 192 + 2048 && layout.panelBytes == 16 * layout.blockBytes)
    #expect(Double(layout.byteCount) * 8 / (14336 * 4096) == 4.375)
    let table = try PanelLayout(encoding: .int8(groupSize: 64), rows: 128256, columns: 4096)
    #expect(Double(table.byteCount) * 8 / (128256 * 4096) == 8.25)
  }

  @Test("sizes that no tensor has are refused, not computed")
  func refusals() {
    #expect(throws: CogError.self) { try PanelLayout(encoding: .plain(.bfloat16), rows: 1, columns: 1) }
    #expect(throws: CogError.self) { try PanelLayout(encoding: .int4(groupSize: 0), rows: 1, columns: 1) }
    #expect(throws: CogError.self) { try PanelLayout(encoding: .int8(groupSize: 63), rows: 1, columns: 1) }
    #expect(throws: CogError.self) { try PanelLayout(encoding: .int4(groupSize: 32), rows: 0, columns: 1) }
    #expect(throws: CogError.self) { try PanelLayout(encoding: .int4(groupSize: 32), rows: 1, columns: .max) }
    #expect(throws: CogError.self) {
      try PanelLayout(encoding: .int8(groupSize: 32), rows: .max, columns: .max)
    }
    #expect(throws: CogError.self) { try TensorEncoding.int4(groupSize: 32).byteCount(of: [0, 1 << 62, 8]) }
  }
}
