import CogBase

/// Writes pickles, right or wrong, one instruction after another.
struct PickleBuilder {
  private(set) var bytes: [UInt8]

  init(version: UInt8 = 2) { bytes = [0x80, version] }

  func op(_ character: Character) -> PickleBuilder { raw(Array(String(character).utf8)) }

  func raw(_ more: [UInt8]) -> PickleBuilder {
    var copy = self
    copy.bytes += more
    return copy
  }

  func text(_ text: String) -> PickleBuilder { op("X").little(UInt32(text.utf8.count)).raw(Array(text.utf8)) }

  func int(_ value: Int) -> PickleBuilder { raw([0x8A, 8]).little(value) }

  func global(_ module: String, _ name: String) -> PickleBuilder { raw(Array("c\(module)\n\(name)\n".utf8)) }

  func tuple(_ values: [Int]) -> PickleBuilder { values.reduce(op("(")) { $0.int($1) }.op("t") }

  func little<Value: FixedWidthInteger>(_ value: Value) -> PickleBuilder {
    var writer = ByteWriter()
    writer.write(value)
    return raw(writer.bytes)
  }

  /// Pushes a storage.
  func storage(_ key: String, count: Int, type: String = "FloatStorage") -> PickleBuilder {
    op("(").text("storage").global("torch", type).text(key).text("cpu").int(count).op("t").op("Q")
  }

  /// Pushes a tensor in the storage `key` of `count` floats.
  func tensor(
    _ key: String = "0", count: Int = 6, type: String = "FloatStorage", offset: Int = 0,
    size: [Int] = [2, 3],
    stride: [Int] = [3, 1], metadata: PickleBuilder? = nil
  ) -> PickleBuilder {
    let arguments = global("torch._utils", "_rebuild_tensor_v2").op("(").storage(
      key, count: count, type: type
    )
    .int(offset).tuple(size).tuple(stride).raw([0x89]).global("collections", "OrderedDict").op(")").op("R")
    return arguments.raw(metadata.map { Array($0.bytes.dropFirst(2)) } ?? []).op("t").op("R")
  }

  /// A pickle of the dict `{name: tensor}`.
  static func dict(_ name: String, _ tensor: (PickleBuilder) -> PickleBuilder) -> [UInt8] {
    tensor(PickleBuilder().op("}").text(name)).op("s").op(".").bytes
  }

  /// A PyTorch archive around a pickle, with one storage of 6 floats.
  static func archive(
    _ pickle: [UInt8], style: ZipBuilder.Style = .plain, data: [UInt8] = Array(1...24),
    byteOrder: String? = "little"
  ) -> [UInt8] {
    var zip = ZipBuilder()
    zip.style = style
    zip.add("archive/data.pkl", pickle)
    if let byteOrder { zip.add("archive/byteorder", Array(byteOrder.utf8)) }
    zip.add("archive/data/0", data)
    return zip.bytes
  }
}
