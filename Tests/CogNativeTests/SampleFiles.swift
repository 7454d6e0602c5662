import CogBase
import CogNative

/// The small files under `Formats/samples` that every reader of the format takes or refuses.
enum SampleFiles {
  /// Files that readers take, by name.
  static func good() throws -> [(name: String, bytes: [UInt8])] {
    [
      ("bfloat16", try RawNativeFile(TinyModel()).bytes),
      ("mixed", try RawNativeFile(TinyModel.mixed()).bytes),
    ]
  }

  /// Files that readers refuse when they open them, with words that the toolkit's error has.
  ///
  /// To be small they have the first three tensors only; what is wrong with them is found before that.
  static func bad() throws -> [(name: String, says: String, bytes: [UInt8])] {
    var small = try RawNativeFile(TinyModel.mixed())
    small.entries.removeLast(small.entries.count - 3)
    small.names.removeLast(small.names.count - small.entries.reduce(0) { $0 + Int($1.nameLength) })
    let end = Int(small.entries[2].offset + small.entries[2].byteCount)
    small.data.removeLast(small.data.count - (end - 4096 + 4095) / 4096 * 4096)
    let bytes = small.bytes
    func flipped(_ position: Int) -> [UInt8] {
      var copy = bytes
      copy[position] ^= 1
      return copy
    }
    let direct: [(String, String, [UInt8])] = [
      ("not-native", "not a native file", Array("GGUF".utf8) + [UInt8](repeating: 0, count: 252)),
      ("cut-off", "cut off", Array(bytes[..<5000])),
      ("flipped-header", "header is damaged", flipped(17)),
      ("flipped-directory", "directory is damaged", flipped(bytes.count - 1)),
    ]
    let names = [
      "another alignment": "alignment", "metadata over the data": "overlapping-sections",
      "a file size beyond 63 bits": "huge-file-size", "a tensor over the one before": "overlapping-tensors",
      "a tensor between two pages": "unaligned-tensor", "a size that does not fit the shape": "wrong-size",
      "a group size of 48": "group-of-48", "nine dimensions": "nine-dimensions",
      "a quantized shape that overflows behind a 0": "hidden-overflow",
      "an error that is no number": "nan-error",
      "a name that starts in the one before": "shared-names", "metadata with a key twice": "key-twice",
      "metadata that is nested too deep": "deep-metadata",
      "reserved bytes of an entry in use": "reserved-bytes",
    ]
    let deceits = Deceit.all.compactMap { deceit in
      names[deceit.name].map { ($0, deceit.says, small.changed(deceit.change).bytes) }
    }
    return (direct + deceits).map { (name: $0.0, says: $0.1, bytes: $0.2) }
  }

  /// A file that opens; its tensor `model.norm.weight` differs from its checksum.
  static func damagedTensor() throws -> [UInt8] {
    let file = try RawNativeFile(TinyModel())
    var bytes = file.bytes
    for (entry, tensor) in zip(file.entries, try TinyModel().tensors) where tensor.name == "model.norm.weight"
    {
      bytes[Int(entry.offset)] ^= 1
    }
    return bytes
  }
}
