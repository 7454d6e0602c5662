import CogBase
import Testing

@Suite struct CheckedTests {
  @Test("Products and sums that fit are themselves; others are errors that say of what")
  func arithmetic() throws {
    #expect(try Checked.multiply(1 << 31, 1 << 31, "x") == 1 << 62)
    #expect(try Checked.add(.max - 1, 1, "x") == .max)
    let product = #expect(throws: CogError.self) { _ = try Checked.multiply(1 << 32, 1 << 31, "the area") }
    #expect(product?.description == "the area is too large: found 4294967296 x 2147483648")
    let sum = #expect(throws: CogError.self) { _ = try Checked.add(.max, 1, "the end") }
    #expect(sum?.problem == "the end is too large")
  }

  @Test("An unsigned number of a file fits up to 63 bits")
  func unsigned() throws {
    #expect(try Checked.int(UInt64(Int.max), "x") == .max)
    #expect(throws: CogError.self) { _ = try Checked.int(UInt64(Int.max) + 1, "x") }
  }

  @Test("Sizes are rounded up to multiples", arguments: [(0, 0), (1, 64), (63, 64), (64, 64), (65, 128)])
  func alignment(_ value: Int, _ expected: Int) throws {
    #expect(try Checked.alignUp(value, to: 64, "x") == expected)
    #expect(throws: CogError.self) { _ = try Checked.alignUp(.max - value % 63, to: 64, "x") }
  }

  @Test("A shape has elements, bytes, rows and columns")
  func shape() throws {
    let shape: Shape = [6, 4, 2]
    #expect(shape.rank == 3 && shape.elementCount == 48 && shape.rows == 6 && shape.columns == 8)
    #expect(shape.description == "[6, 4, 2]")
    #expect(try shape.byteCount(of: .bfloat16) == 96)
    let scalar: Shape = []
    #expect(scalar.elementCount == 1 && scalar.rows == 1 && scalar.columns == 1)
    // Elements that share a byte: a started byte counts whole.
    #expect(try Shape([3]).byteCount(of: .float4e2m1) == 2)
  }

  @Test(
    "A shape of a file is refused when its size does not fit, also behind a 0",
    arguments: [[-1], [2, -3], [1 << 32, 1 << 31], [0, 1 << 32, 1 << 31], [.max, .max, 0]])
  func badShapes(_ dimensions: [Int]) {
    #expect(throws: CogError.self) { _ = try Shape(checking: dimensions) }
  }

  @Test("Bits that do not fit are an error where the elements still do")
  func bits() throws {
    let shape = try Shape(checking: [1 << 60])
    #expect(try shape.checkedElementCount() == 1 << 60)
    #expect(throws: CogError.self) { _ = try shape.byteCount(of: .float32) }
  }
}
