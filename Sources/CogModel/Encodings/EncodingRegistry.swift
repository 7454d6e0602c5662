package import CogBase

/// The encodings that there are. Readers, writers, recipes, statistics, reports and tests ask here; nothing
/// else lists them.
package enum EncodingRegistry {
  /// The quantized families. A new one is a line here and a file of its own.
  package static let quantized: [EncodingFamily] = [.int4, .int8]

  /// All families: the floating-point types that weights come in, the other element types, the quantized
  /// ones.
  package static let families: [EncodingFamily] = {
    let floats: [ElementType] = [.bfloat16, .float16, .float32, .float64]
    let others = ElementType.allCases.filter { !floats.contains($0) }
    return (floats + others).map(EncodingFamily.plain) + quantized
  }()

  /// Every quantized encoding, in all its group sizes.
  package static let quantizedEncodings = quantized.flatMap { family in
    family.groupSizes.map { TensorEncoding(family, groupSize: $0) }
  }

  /// The encoding of a label such as `BF16` or `int4/64`, or nil.
  package static func encoding(label: String) -> TensorEncoding? {
    let parts = label.split(separator: "/", omittingEmptySubsequences: false)
    guard let family = families.first(where: { $0.name == parts[0] }) else { return nil }
    if parts.count == 1 { return family.codes == nil ? TensorEncoding(family) : nil }
    guard parts.count == 2, let groupSize = Int(parts[1]), family.groupSizes.contains(groupSize) else {
      return nil
    }
    return TensorEncoding(family, groupSize: groupSize)
  }

  // MARK: What a recipe may ask for

  /// The families that a recipe may ask for, in the order in which help lists them.
  package static let offered = families.filter(\.isOffered)

  /// The encoding that a person asks for, in any case: `bf16`, `int4` (in groups of its default size),
  /// `int8/32`; nil where there is none.
  package static func offeredEncoding(_ text: String) -> TensorEncoding? {
    let wanted = text.lowercased()
    return offered.lazy.flatMap { family in
      [(family.name, TensorEncoding(family, groupSize: family.defaultGroupSize))]
        + family.groupSizes.map { size in
          ("\(family.name)/\(size)", TensorEncoding(family, groupSize: size))
        }
    }.first { $0.0.lowercased() == wanted }?.1
  }

  /// What ``offeredEncoding(_:)`` takes, in words: `BF16, F16, F32, int4 or int8 (groups of 64), or int4/32,
  /// ...`.
  package static let offeredNames: String = {
    let sizes = Set(offered.compactMap(\.defaultGroupSize)).sorted().map(String.init)
    let explicit = offered.flatMap { family in family.groupSizes.map { "\(family.name)/\($0)" } }
    return list(offered.map(\.name)) + " (groups of \(list(sizes))), or " + explicit.joined(separator: ", ")
  }()

  /// The quantized encodings in words: `int4 or int8 in groups of 32, 64 or 128`.
  package static let quantizedNames: String = {
    let sizes = Set(quantized.flatMap(\.groupSizes)).sorted().map(String.init)
    return list(quantized.map(\.name)) + " in groups of \(list(sizes))"
  }()

  // MARK: Native files

  /// The encoding of an entry in a native file's directory.
  ///
  /// - Parameters:
  ///   - directoryCode: what the directory calls the family.
  ///   - groupSize: 0 for a plain family. A size that a quantized one lacks is found by its layout.
  /// - Throws: ``CogError`` when no family has the code, or a plain one a group size.
  package static func encoding(directoryCode: UInt32, groupSize: UInt32) throws -> TensorEncoding {
    guard let family = families.first(where: { $0.directoryCode == directoryCode }) else {
      throw CogError(
        "the encoding is unknown", code: .unsupported, expected: codeNames(families),
        found: "\(directoryCode)")
    }
    guard family.codes == nil else { return TensorEncoding(family, groupSize: Int(groupSize)) }
    guard groupSize == 0 else {
      throw CogError("a plain tensor has a group size", expected: "0", found: "\(groupSize)")
    }
    return TensorEncoding(family)
  }

  /// The element type that a native file's directory calls by a code. - Throws: ``CogError`` when none is.
  package static func elementType(directoryCode: UInt32) throws -> ElementType {
    let plain = families.filter { $0.elementType != nil }
    guard let type = plain.first(where: { $0.directoryCode == directoryCode })?.elementType else {
      throw CogError(
        "the source's element type is unknown", code: .unsupported, expected: codeNames(plain),
        found: "\(directoryCode)")
    }
    return type
  }

  /// The codes of families in words, runs of three or more shortened: `1 to 4, 16 or 17`.
  private static func codeNames(_ families: [EncodingFamily]) -> String {
    var runs: [ClosedRange<UInt32>] = []
    for code in families.compactMap(\.directoryCode).sorted() {
      if let last = runs.last, last.upperBound + 1 == code {
        runs[runs.count - 1] = last.lowerBound...code
      } else {
        runs.append(code...code)
      }
    }
    return list(
      runs.flatMap { run in
        run.count > 2 ? ["\(run.lowerBound) to \(run.upperBound)"] : run.map(String.init)
      })
  }

  /// `a, b or c`.
  private static func list(_ words: [String]) -> String {
    words.dropLast().joined(separator: ", ") + (words.count > 1 ? " or " : "") + (words.last ?? "")
  }
}
