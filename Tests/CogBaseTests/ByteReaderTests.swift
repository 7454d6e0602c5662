import CogBase
import Testing

@Suite struct ByteReaderTests {
  @Test("Fields of any width are read as they were written, little-endian and unaligned")
  func roundTrip() throws {
    var writer = ByteWriter()
    writer.write(UInt8(0xAB))
    writer.write(UInt16(0x0102))
    writer.write(Int32(-2))
    writer.write(UInt64.max - 1)
    writer.write(Float(-0.5))
    writer.write(contentsOf: "é".utf8)
    writer.pad(to: 8)
    #expect(writer.bytes[..<3] == [0xAB, 0x02, 0x01])
    #expect(writer.bytes.count == 24)
    try writer.bytes.withUnsafeBytes { bytes in
      var reader = ByteReader(bytes, what: "record")
      #expect(try reader.read(UInt8.self) == 0xAB)
      #expect(try reader.read(UInt16.self) == 0x0102)
      #expect(try reader.read(Int32.self) == -2)
      #expect(try reader.read(UInt64.self) == .max - 1)
      #expect(try Float(bitPattern: reader.read()) == -0.5)
      #expect(try reader.readText(2) == "é")
      #expect(reader.offset == 21 && reader.remaining == 3)
      try reader.skip(3)
      #expect(reader.remaining == 0)
    }
  }

  @Test("Bytes that are not there are an error that names what ends, and nothing is skipped")
  func ends() throws {
    try [UInt8](repeating: 0, count: 7).withUnsafeBytes { bytes in
      var reader = ByteReader(bytes, what: "header")
      try reader.skip(4)
      let error = #expect(throws: CogError.self) { _ = try reader.read(UInt32.self) }
      #expect(error?.description == "the header ends too early: expected 4 bytes at offset 4, found 3")
      #expect(reader.offset == 4)
      for count in [-1, 4, .max] { #expect(throws: CogError.self) { _ = try reader.take(count) } }
      #expect(try reader.take(3).count == 3)
      #expect(try reader.take(0).isEmpty)
    }
  }

  @Test("A reader that begins behind the end or before the start has nothing", arguments: [-1, 5, Int.max])
  func outside(_ offset: Int) {
    [UInt8](repeating: 0, count: 4).withUnsafeBytes { bytes in
      var reader = ByteReader(bytes, at: offset, what: "header")
      #expect(throws: CogError.self) { _ = try reader.read(UInt8.self) }
    }
  }

  @Test("Text that is not UTF-8 is an error with its place")
  func text() throws {
    [0x41, 0xFF, 0x42].map(UInt8.init).withUnsafeBytes { bytes in
      var reader = ByteReader(bytes, at: 1, what: "directory")
      let error = #expect(throws: CogError.self) { _ = try reader.readText(2) }
      #expect(error?.subject == "offset 1")
    }
  }

  @Test("Padding to a multiple adds nothing where the length is one")
  func padding() {
    var writer = ByteWriter()
    writer.pad(to: 16)
    #expect(writer.bytes.isEmpty)
    writer.write(UInt8(1))
    writer.pad(to: 4)
    writer.pad(to: 4)
    #expect(writer.bytes == [1, 0, 0, 0])
  }
}
