import CogBase
import CogCheckpoint
import CogTestSupport
import Testing

@Suite struct SafetensorsTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func refuse(
    _ bytes: [UInt8], _ fragment: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let path = try folder.write(bytes, as: "bad.safetensors")
    expectRefusal(fragment, sourceLocation: sourceLocation) { _ = try SafetensorsFile(path: path) }
  }

  private func refuse(
    header: String, data: Int = 0, _ fragment: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let bytes = SafetensorsBuilder.file(header: header, data: [UInt8](repeating: 7, count: data))
    try refuse(bytes, fragment, sourceLocation: sourceLocation)
  }

  @Test("Tensors come in the order of their bytes, with metadata, at any alignment")
  func readsSmallFile() throws {
    let file = try SafetensorsFile(path: folder.write(SafetensorsBuilder.small, as: "small"))
    #expect(file.metadata == ["format": "pt"])
    #expect(file.entries.map(\.name) == ["b", "a"])
    #expect(file.entry(named: "a")?.shape == [2, 3])
    #expect(file.entry(named: "a")?.offset == SafetensorsBuilder.small.count - 24)
    #expect(file.entry(named: "c") == nil)
    #expect(try bytes(file, "a") == Array(3...26))
    #expect(try bytes(file, "b") == [1, 2])
    expectRefusal("no such tensor", "small", "c") { _ = try file.loaded("c") }
  }

  @Test("Every dtype of the format is listed", arguments: ElementType.allCases)
  func listsEveryType(type: ElementType) throws {
    let size = type.bitWidth
    let header = "{\"t\":{\"dtype\":\"\(type.rawValue)\",\"shape\":[8],\"data_offsets\":[0,\(size)]}}"
    let file = try SafetensorsFile(
      path: folder.write(
        SafetensorsBuilder.file(header: header, data: [UInt8](repeating: 1, count: size)), as: "t"))
    #expect(file.entries.map(\.encoding) == [.plain(type)])
    #expect(try file.loaded("t").bytes.count == size)
  }

  @Test("A tensor without elements, a scalar, and a header padded with spaces are read")
  func readsEdges() throws {
    let header = """
      {"none":{"dtype":"F32","shape":[0,3],"data_offsets":[4,4]},\
      "one":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}
      """
    let file = try SafetensorsFile(
      path: folder.write(SafetensorsBuilder.file(header: header + "     ", data: [1, 2, 3, 4]), as: "edges"))
    #expect(file.entries.map(\.name) == ["one", "none"])
    #expect(try file.loaded("none").bytes.isEmpty)
    #expect(try bytes(file, "one") == [1, 2, 3, 4])
  }

  @Test("Spaces before the brace, and metadata that are null, are read as safetensors 0.8.0 does (report 13)")
  func readsWhatTheLibraryReads() throws {
    let tensor = #""x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#
    for header in [" {\(tensor)}", "\t\r\n  {\(tensor)}\n ", "{\"__metadata__\":null,\(tensor)}"] {
      let path = try folder.write(SafetensorsBuilder.file(header: header, data: Array(1...8)), as: "form")
      let file = try #require(try Checkpoints.open(path: path) as? SafetensorsFile)
      #expect(file.metadata.isEmpty)
      #expect(try bytes(file, "x") == Array(1...8), "\(header)")
    }
    let reported = try Checkpoints.open(path: Fixtures.path("reports/meta_null.safetensors"))
    #expect(reported.entries.map(\.name) == ["x"])
    for wrong in ["[]", "{\"a\":null}", "{\"a\":1}", "0", "\"\""] {
      try refuse(header: "{\"__metadata__\":\(wrong),\(tensor)}", data: 8, "__metadata__")
    }
  }

  @Test("A name with NUL or control characters is read, and shown escaped")
  func namesWithControlCharacters() throws {
    let header = #"{"a\u0000b\u001b[2J":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#
    let file = try SafetensorsFile(
      path: folder.write(SafetensorsBuilder.file(header: header, data: [9]), as: "nul"))
    #expect(file.entries.map(\.name) == ["a\0b\u{1B}[2J"])
    #expect(try bytes(file, "a\0b\u{1B}[2J") == [9])
    let error = #expect(throws: CogError.self) { _ = try file.loaded("a\0") }
    #expect(error?.description.unicodeScalars.allSatisfy { $0.value >= 0x20 } == true)
  }

  @Test("A header length that cannot be is refused")
  func refusesHeaderLength() throws {
    try refuse([], "the file is empty")
    try refuse([1, 0, 0], "ends too early")
    try refuse(SafetensorsBuilder.file(header: "{}", length: .max), "the header length is not believable")
    try refuse(
      SafetensorsBuilder.file(header: "{}", length: 100_000_001), "the header length is not believable")
    try refuse(SafetensorsBuilder.file(header: "{}", length: 3), "ends within its header")
    try refuse(SafetensorsBuilder.file(header: "", length: 0), "does not begin with {")
    try refuse(header: "\u{B}{}", "does not begin with {")
    try refuse(header: String(repeating: " ", count: 2000), "does not begin with {")
  }

  @Test("A header that is not the JSON of the format is refused")
  func refusesHeaderText() throws {
    try refuse(header: "{", "not valid JSON")
    try refuse(header: "{}}", "not valid JSON")
    try refuse(header: "{\"a\":{},\"a\":{}}", "stands twice")
    try refuse(header: "{\"a\":" + String(repeating: "[", count: 100_000), "not valid JSON")
    try refuse(header: "{\"a\":" + String(repeating: "{\"a\":", count: 100_000), "not valid JSON")
    try refuse(header: "{\"a\":5}", "a: the entry is wrong: expected an object")
    try refuse(header: "{\"__metadata__\":[]}", "the metadata is wrong")
    try refuse(header: "{\"__metadata__\":{\"k\":1}}", "__metadata__.k")
  }

  @Test("An entry whose fields are missing or wrong is refused with the tensor's name")
  func refusesEntries() throws {
    try refuse(header: "{\"a\":{}}", "a.dtype")
    try refuse(header: "{\"a\":{\"dtype\":\"F33\",\"shape\":[],\"data_offsets\":[0,4]}}", "found F33")
    try refuse(header: "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", "a.shape")
    try refuse(header: "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", "a.shape")
    try refuse(header: "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", "negative")
    try refuse(header: "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", "a.data_offsets")
    try refuse(
      header: "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", "data offsets are wrong")
    try refuse(
      header: "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", "data offsets are wrong")
    try refuse(
      header: "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", "data offsets are wrong")
    try refuse(
      header: "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", "do not fit the shape")
    try refuse(
      header: "{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}}", "ends within a byte")
    try refuse(
      header: "{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}", "a.shape"
    )
  }

  @Test("A shape whose product overflows is refused, also where a size of 0 would hide it")
  func refusesHugeShapes() throws {
    let huge = "4611686018427387904"
    for shape in ["[\(huge),\(huge)]", "[0,\(huge),\(huge)]", "[\(huge)]", "[\(huge),\(huge),0]"] {
      try refuse(header: "{\"a\":{\"dtype\":\"F64\",\"shape\":\(shape),\"data_offsets\":[0,0]}}", "too large")
    }
  }

  @Test("Overlaps, holes, missing bytes and bytes that belong to nothing are refused")
  func refusesSeams() throws {
    func two(_ first: (Int, Int), _ second: (Int, Int)) -> String {
      func entry(_ name: String, _ range: (Int, Int)) -> String {
        #""\#(name)":{"dtype":"U8","shape":[\#(range.1 - range.0)],"data_offsets":[\#(range.0),\#(range.1)]}"#
      }
      return "{\(entry("a", first)),\(entry("b", second))}"
    }
    try refuse(header: two((0, 4), (3, 8)), data: 8, "b: two tensors overlap")
    try refuse(header: two((0, 4), (0, 4)), data: 4, "b: two tensors overlap")
    try refuse(header: two((0, 4), (5, 8)), data: 8, "belong to no tensor")
    try refuse(header: two((1, 4), (4, 8)), data: 8, "belong to no tensor")
    try refuse(header: two((0, 4), (4, 8)), data: 9, "belong to no tensor")
    try refuse(header: two((0, 4), (4, 8)), data: 7, "the file ends too early for its tensors")
    try refuse(header: two((0, 4), (4, 1 << 56)), data: 8, "the file ends too early for its tensors")
  }

  @Test("A file cut at any length is refused")
  func refusesEveryTruncation() throws {
    for length in 0..<SafetensorsBuilder.small.count {
      #expect(
        try isRefused(Array(SafetensorsBuilder.small.prefix(length)), in: folder), "cut to \(length) bytes")
    }
  }

  @Test("A flipped bit anywhere is refused or leaves every view in range")
  func survivesEveryBitFlip() throws {
    var refusals = 0
    for offset in SafetensorsBuilder.small.indices {
      for bit in 0..<8 {
        var copy = SafetensorsBuilder.small
        copy[offset] ^= 1 << UInt8(bit)
        if try isRefused(copy, in: folder) { refusals += 1 }
      }
    }
    #expect(refusals > 800)
  }
}
