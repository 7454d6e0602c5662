import CogBase
import CogCheckpoint
import CogTestSupport
import Foundation
import Testing

@Suite struct TorchFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let plain = PickleBuilder.dict("w") { $0.tensor() }

  private func open(_ bytes: [UInt8]) throws -> TorchFile {
    try TorchFile(path: folder.write(bytes, as: "file.pt"))
  }

  private func refuse(
    _ bytes: [UInt8], _ fragments: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let path = try folder.write(bytes, as: "bad.pt")
    expectRefusal(fragments, sourceLocation: sourceLocation) { try readAll(TorchFile(path: path)) }
  }

  private func refuse(
    pickle: [UInt8], _ fragment: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try refuse(PickleBuilder.archive(pickle), fragment, sourceLocation: sourceLocation)
  }

  private func refuse(
    tensor: (PickleBuilder) -> PickleBuilder, _ fragment: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try refuse(pickle: PickleBuilder.dict("w", tensor), fragment, sourceLocation: sourceLocation)
  }

  // MARK: What is read

  @Test(
    "Files of Python's own pickler and zip writer give the bytes that numpy gives", arguments: [2, 3, 4, 5])
  func readsPythonFiles(version: Int) throws {
    let expected = try SafetensorsFile(path: Fixtures.path("checkpoints/tensors.safetensors"))
    for word in ["stored", "deflated"] {
      let file = try TorchFile(path: Fixtures.path("checkpoints/protocol\(version)-\(word).pt"))
      try expectEqual(file, expected)
      let entry = try #require(file.entry(named: "all.FloatStorage"))
      #expect((entry.offset == nil) == (word == "deflated"))
      #expect(file.entry(named: "transposed.FloatStorage")?.offset == nil)
    }
  }

  @Test("A state_dict inside a training checkpoint is found, and what stands beside it is said")
  func readsNestedFile() throws {
    let file = try TorchFile(path: Fixtures.path("checkpoints/nested.pt"))
    try expectEqual(file, SafetensorsFile(path: Fixtures.path("checkpoints/tensors.safetensors")))
    #expect(file.metadata == ["epoch": "3", "note": "made by hand"])
    #expect(file.ignoredEntries == ["optimizer"])
  }

  @Test(
    "Archives in plain zip, zip64 and PyTorch's own style are read",
    arguments: [
      ZipBuilder.Style.plain, .zip64, .torch,
    ])
  func readsEveryStyle(style: ZipBuilder.Style) throws {
    let file = try open(PickleBuilder.archive(Self.plain, style: style))
    #expect(try bytes(file, "w") == Array(1...24))
    let offset = try #require(file.entry(named: "w")?.offset)
    let whole = try Data(contentsOf: URL(filePath: file.path))
    #expect(Array(whole[offset..<offset + 24]) == Array(1...24))
  }

  @Test("No byteorder entry means little-endian; a comment after the end record is allowed")
  func readsWithoutByteOrder() throws {
    #expect(try bytes(open(PickleBuilder.archive(Self.plain, byteOrder: nil)), "w") == Array(1...24))
    var zip = ZipBuilder()
    zip.add("x/data.pkl", Self.plain)
    zip.addDeflated("x/data/0", Array(1...24))
    zip.comment = Array("PK\u{5}\u{6} is no end record here".utf8)
    #expect(try bytes(open(zip.bytes), "w") == Array(1...24))
  }

  @Test("Strided views are gathered as plain loops over the indices would", arguments: 0..<40)
  func gathersLikePlainLoops(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let sizes = (0..<Int.random(in: 0...4, using: &random)).map { _ in Int.random(in: 1...4, using: &random) }
    let strides = sizes.map { _ in Int.random(in: 0...9, using: &random) }
    let offset = Int.random(in: 0...7, using: &random)
    let count = offset + zip(sizes, strides).reduce(1) { $0 + ($1.0 - 1) * $1.1 }
    let data = (0..<4 * count).map { _ in UInt8.random(in: 0...255, using: &random) }
    let pickle = PickleBuilder.dict("w") {
      $0.tensor(count: count, offset: offset, size: sizes, stride: strides)
    }
    let file = try open(PickleBuilder.archive(pickle, data: data))
    var expected: [UInt8] = []
    for index in 0..<sizes.reduce(1, *) {
      var (rest, element) = (index, offset)
      for (size, stride) in zip(sizes, strides).reversed() {
        element += rest % size * stride
        rest /= size
      }
      expected += data[4 * element..<4 * element + 4]
    }
    #expect(try bytes(file, "w") == expected)
  }

  @Test("The stride of a dimension of size 1 says nothing and may be anything")
  func ignoresStridesOfOne() throws {
    let pickle = PickleBuilder.dict("w") { $0.tensor(size: [2, 1, 2, 1], stride: [3, .max, 2, .max]) }
    let file = try open(PickleBuilder.archive(pickle))
    #expect(try bytes(file, "w") == [1...4, 9...12, 13...16, 21...24].flatMap { Array($0) })
    let row = PickleBuilder.dict("w") { $0.tensor(size: [1, 6], stride: [.max, 1]) }
    #expect(try bytes(open(PickleBuilder.archive(row)), "w") == Array(1...24))
  }

  @Test("A deflated storage is shared by the views that live, and let go when its last tensor is released")
  func sharesInflatedStorages() throws {
    let file = try TorchFile(path: Fixtures.path("checkpoints/protocol2-deflated.pt"))
    let entry = try #require(file.entry(named: "all.LongStorage"))
    let (one, two) = (try file.bytes(of: entry), try file.bytes(of: entry))
    #expect(one.unpinned.baseAddress == two.unpinned.baseAddress)
    weak let owner = one.owner
    _ = (consume one, consume two)
    for entry in file.entries { file.release(entry) }
    #expect(owner == nil)
  }

  @Test("Tensors are read from many threads at once")
  func readsConcurrently() async throws {
    let expected = try SafetensorsFile(path: Fixtures.path("checkpoints/tensors.safetensors"))
    for word in ["stored", "deflated"] {
      let file = try TorchFile(path: Fixtures.path("checkpoints/protocol2-\(word).pt"))
      try await withThrowingTaskGroup { group in
        for _ in 0..<4 {
          group.addTask { try expectEqual(file, expected) }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test("Tensors and parameters with attributes of Python are read as torch.load reads them (report 13)")
  func readsAttributes() throws {
    for name in ["tensor_with_attribute", "parameter_with_attribute"] {
      let file = try TorchFile(path: Fixtures.path("reports/\(name).bin"))
      #expect(file.entries.map(\.name) == ["w"] && file.entries.map(\.shape) == [[3]])
      #expect(try bytes(file, "w").count == 12)
    }
    // The function that makes the tensor is one of tensors, the class one of theirs, the attributes a dict.
    func rebuild(_ function: (String, String), _ type: (String, String), state: PickleBuilder) -> [UInt8] {
      PickleBuilder().op("}").text("w").global("torch._tensor", "_rebuild_from_type_v2").op("(")
        .global(function.0, function.1).global(type.0, type.1).op("(").op("t")
        .raw(Array(state.bytes.dropFirst(2))).op("t").op("R").op("s").op(".").bytes
    }
    let dict = PickleBuilder().op("}")
    let tensor = ("torch", "Tensor")
    try refuse(pickle: rebuild(("torch", "Size"), tensor, state: dict), "no function for tensors")
    try refuse(
      pickle: rebuild(("torch._tensor", "_rebuild_from_type_v2"), tensor, state: dict), "no function")
    try refuse(pickle: rebuild(("os", "system"), tensor, state: dict), "the file wants to call os.system")
    let make = ("torch._utils", "_rebuild_tensor_v2")
    try refuse(pickle: rebuild(make, ("torch", "Size"), state: dict), "something else than a tensor")
    try refuse(pickle: rebuild(make, tensor, state: PickleBuilder().text("x")), "are no dict")
    try refuse(pickle: rebuild(make, tensor, state: dict), "a tensor is built from 0 values")
    try refuse(
      pickle: PickleBuilder().global("torch", "Tensor").op(")").op("R").op(".").bytes, "no function")
  }

  @Test("Zeros behind the archive are passed over, as PyTorch does (report 13)")
  func readsZerosBehind() throws {
    let file = try TorchFile(path: Fixtures.path("reports/zeros_behind.bin"))
    #expect(file.entries.map(\.name) == ["w"])
    #expect(try bytes(file, "w").count == 12)
    for style in [ZipBuilder.Style.plain, .zip64, .torch] {
      let archive = PickleBuilder.archive(Self.plain, style: style)
      for count in [1, 21, 512, 65_535] {
        let behind = try open(archive + [UInt8](repeating: 0, count: count))
        #expect(try bytes(behind, "w") == Array(1...24), "\(count)")
      }
      try refuse(archive + [UInt8](repeating: 0, count: 70_000), "no end record")
      try refuse(archive + [0, 0, 1], "no end record")
    }
  }

  // MARK: What is refused

  @Test("A name that tensors do not need is refused by name, and nothing is called")
  func refusesOtherGlobals() throws {
    let marker = folder.path("called")
    for module in ["os", "posix", "builtins"] {
      let call = PickleBuilder().global(module, "system").op("(").text("touch \(marker)").op("t").op("R").op(
        ".")
      try refuse(pickle: call.bytes, "the file wants to call \(module).system")
    }
    let modern = PickleBuilder(version: 4).text("os").text("system").raw([0x93]).op(".").bytes
    try refuse(pickle: modern, "the file wants to call os.system")
    #expect(try !folder.contents().contains("called"))
    try refuse(tensor: { $0.tensor(type: "QInt8Storage") }, "torch.QInt8Storage")
    try refuse(
      pickle: PickleBuilder().global("torch", "FloatStorage").op(")").op("R").op(".").bytes, "no function")
  }

  @Test("Of all 256 instructions only those that tensors need are understood, whatever is on the stack")
  func refusesOtherInstructions() throws {
    // In the order of Python's pickletools: numbers, texts and bytes; lists, tuples, dicts; stack and memo;
    // names and calls (GLOBAL, STACK_GLOBAL, REDUCE, BUILD, NEWOBJ); PROTO, STOP, FRAME, BINPERSID.
    let needed = Set(Array("JKMNGXBC]ae)t}su02(1qrhjcRb.Q".utf8)).union([
      0x8A, 0x8B, 0x88, 0x89, 0x8C, 0x8D, 0x8E, 0x85, 0x86, 0x87, 0x94, 0x93, 0x81, 0x80, 0x95,
    ])
    #expect(needed.count == 44)
    let stacks = ["", "N", "NN", "(", "}(NN", "](N", ")", "ctorch\nSize\n)"]
    for code in UInt8.min...UInt8.max {
      for stack in stacks {
        let pickle = [0x80, 2] + Array(stack.utf8) + [code, 1, 1, 1, 1]
        let error = #expect(throws: CogError.self) { try open(PickleBuilder.archive(pickle)) }
        // Behind an instruction that is understood comes 1, which is none.
        let isUnknown =
          error?.problem.contains("instruction that tensors do not need") == true
          && error?.found == "0x\(UInt32(code).hexadecimal)"
        #expect(isUnknown == !needed.contains(code), "\(code) after \(stack): \(String(describing: error))")
      }
    }
    for version: UInt8 in [0, 1, 6, 255] {
      try refuse(pickle: [0x80, version, 0x2E], "protocol is not known")
    }
  }

  @Test("A pickle that uses what is not there is refused")
  func refusesBrokenPickles() throws {
    func pickle(_ characters: String) -> [UInt8] { PickleBuilder().raw(Array(characters.utf8)).bytes }
    for code in [".", "R", "t", "e", "u", "a", "s", "b", "Q", "0", "1", "2", "(0("] {
      try refuse(pickle: pickle(code), "pickle")
    }
    try refuse(pickle: pickle("h\u{5}."), "recalls what it did not store")
    try refuse(pickle: pickle("NN."), "stops before its end")
    try refuse(pickle: pickle("N.N"), "stops before its end")
    try refuse(pickle: pickle("NNa."), "no list")
    try refuse(pickle: pickle("NNNs."), "no dict")
    try refuse(pickle: pickle("}(Nu."), "key without a value")
    try refuse(pickle: pickle("}]Ns."), "no string")
    try refuse(pickle: pickle("NQ."), "no tuple")
    try refuse(pickle: pickle("N)R."), "calls something that is no name")
    try refuse(pickle: pickle("NNb."), "sets attributes")
    try refuse(pickle: pickle("}."), "holds no tensors")
    try refuse(pickle: [0x80, 2, 0x8D] + [UInt8](repeating: 0xFF, count: 8), "too large")
    try refuse(pickle: [0x80, 2, 0x58, 0xFF, 0xFF, 0xFF, 0x7F], "ends too early")
    try refuse(pickle: [0x80, 2, 0x58, 1, 0, 0, 0, 0xFF, 0x2E], "not UTF-8")
    try refuse(pickle: [0x80, 4, 0x95] + [UInt8](repeating: 0xFF, count: 8), "frame")
  }

  @Test("A name that stands twice in a dict is refused")
  func refusesDuplicates() throws {
    let pickle = PickleBuilder().op("}").op("(").text("w").tensor().text("w").tensor().op("u").op(".")
    try refuse(pickle: pickle.bytes, "w: the key is there twice")
    let joined = PickleBuilder().op("}").op("(").text("a.b").tensor().text("a").op("}").text("b").tensor().op(
      "s"
    ).op("u")
    try refuse(pickle: joined.op(".").bytes, "a.b: the tensor is there twice")
  }

  @Test("A tensor outside its storage, or with a layout that overflows, is refused")
  func refusesLayouts() throws {
    let huge = 1 << 62
    try refuse(tensor: { $0.tensor(offset: 1) }, "outside its storage")
    try refuse(tensor: { $0.tensor(size: [3, 3]) }, "outside its storage")
    try refuse(tensor: { $0.tensor(stride: [4, 1]) }, "outside its storage")
    try refuse(tensor: { $0.tensor(offset: -1) }, "wrong layout")
    try refuse(tensor: { $0.tensor(stride: [-3, 1]) }, "wrong layout")
    try refuse(tensor: { $0.tensor(stride: [1]) }, "wrong layout")
    try refuse(tensor: { $0.tensor(size: [-1, 3]) }, "negative")
    try refuse(tensor: { $0.tensor(size: [huge, huge]) }, "too large")
    try refuse(tensor: { $0.tensor(size: [0, huge, huge], stride: [1, 1, 1]) }, "too large")
    try refuse(tensor: { $0.tensor(stride: [huge, huge]) }, "too large")
    try refuse(tensor: { $0.tensor(offset: .max) }, "too large")
    try refuse(tensor: { $0.tensor(size: [1 << 30, 6], stride: [0, 1]) }, "repeats its elements too often")
    try refuse(tensor: { $0.tensor(size: [Int](repeating: 1, count: 65)) }, "at most 64")
    try refuse(tensor: { $0.tensor(count: -1) }, "length is wrong")
    try refuse(tensor: { $0.tensor(count: .max) }, "too large")
    try refuse(tensor: { $0.tensor(count: 5) }, "outside its storage")
    try refuse(tensor: { $0.tensor(count: 7) }, "another length")
    try refuse(tensor: { $0.tensor("1") }, "archive/data/1: the storage is missing")
    try refuse(tensor: { $0.tensor("../byteorder") }, "the storage is missing")
    let negated = PickleBuilder().op("}").text("neg").raw([0x88]).op("s")
    try refuse(tensor: { $0.tensor(metadata: negated) }, "neg bit")
  }

  @Test("Pickles that contain themselves, nest deeply or grow without end are refused in bounded time")
  func refusesBombs() throws {
    try refuse(
      pickle: PickleBuilder().op("]").raw([0x71, 0]).raw([0x68, 0]).op("a").op(".").bytes, "nest without end")
    let selfKeyed = PickleBuilder().op("}").raw([0x71, 0]).text("x").raw([0x68, 0]).op("s").op(".")
    try refuse(pickle: selfKeyed.bytes, "nest without end")
    var nested = PickleBuilder().op(")")
    nested = nested.raw([UInt8](repeating: 0x85, count: 1_000_000)).op(".")
    try refuse(pickle: nested.bytes, "nest without end")
    // Each tuple holds the one before it twice: 2^30 leaves from a few bytes.
    let laughs = (0..<30).reduce(PickleBuilder().op("N").raw([0x85])) { pickle, _ in
      pickle.op("2").raw([0x86])
    }
    try refuse(pickle: laughs.op(".").bytes, "the names in the pickle are too long")
    try refuse(pickle: [0x80, 2] + [UInt8](repeating: UInt8(ascii: "("), count: 1 << 21), "too deep")
    try refuse(pickle: [0x80, 2] + [UInt8](repeating: UInt8(ascii: "}"), count: 1 << 21), "too deep")
    let idle = [0x80, 2] + [[UInt8]](repeating: [0x4E, 0x30], count: 4_100_000).joined()
    try refuse(pickle: idle, "the pickle is too long")
    let longKey = PickleBuilder.dict(String(repeating: "k", count: 5000)) { $0.tensor() }
    try refuse(pickle: longKey, "too long")
  }

  @Test("A big-endian file is refused by name")
  func refusesByteOrder() throws {
    try refuse(PickleBuilder.archive(Self.plain, byteOrder: "big"), "expected little, found big")
    try refuse(PickleBuilder.archive(Self.plain, byteOrder: ""), "byte order")
  }

  @Test("A TorchScript program and an archive of something else are told apart")
  func refusesOtherArchives() throws {
    var zip = ZipBuilder()
    zip.add("net/data.pkl", Self.plain)
    zip.add("net/constants.pkl", Self.plain)
    try refuse(zip.bytes, "TorchScript")
    var other = ZipBuilder()
    other.add("word/document.xml", [1, 2, 3])
    try refuse(other.bytes, "no PyTorch file")
    try refuse(ZipBuilder().bytes, "no PyTorch file")
    var two = ZipBuilder()
    two.add("a/data.pkl", Self.plain)
    two.add("b/data.pkl", Self.plain)
    try refuse(two.bytes, "several pickles")
  }
}

/// Expects two sources to have the same tensors to the bit, names, types and shapes included.
func expectEqual(_ one: any CheckpointStore, _ other: any CheckpointStore) throws {
  #expect(one.entries.map(\.name).sorted() == other.entries.map(\.name).sorted())
  for entry in other.entries {
    let isEqual = try one.loaded(entry.name) == other.loaded(entry.name)
    #expect(isEqual, "type, shape or bytes of \(entry.name) differ")
  }
}
