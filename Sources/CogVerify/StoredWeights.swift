package import CogModel
package import CogNative

/// How a native file stores one part of the model, and what its conversion recorded as lost there.
package struct StoredPart: Equatable, Sendable, Codable {
  /// The part.
  package var part: ModelPart
  /// Bits that an element takes on average, scales and padding included.
  package var bitsPerWeight: Double
  /// The largest relative RMS error of one of the part's tensors; 0 where nothing was lost.
  package var largestRelativeRMS: Double

  /// The parts of a file, in the order in which `inspect` lists them.
  package static func all(in file: NativeFile) -> [StoredPart] {
    ModelPart.allCases.map { part in
      let tensors = file.entries.filter { $0.part == part }
      return StoredPart(
        part: part, bitsPerWeight: file.bitsPerWeight(of: part),
        largestRelativeRMS: tensors.compactMap(\.error).map { Double($0.relativeRMS) }.max() ?? 0)
    }
  }
}

/// A tensor of a native file whose conversion lost something, with what was recorded about that
/// (`Formats/native.md`).
package struct LossyTensor: Equatable, Sendable, Codable {
  /// The tensor's name.
  package var name: String
  /// The part of the model.
  package var part: ModelPart
  /// How its elements are stored, such as `int4/64`.
  package var encoding: TensorEncoding
  /// Bits that an element takes on average, scales and padding included.
  package var bitsPerWeight: Double
  /// Relative RMS error.
  package var relativeRMS: Double
  /// The largest relative RMS error of one group.
  package var worstGroup: Double
  /// The row of that group.
  package var worstRow: Int

  /// The tensors of a file that are not to the bit what they were made of, in the order of the file.
  package static func lossy(in file: NativeFile) -> [LossyTensor] {
    file.entries.compactMap { tensor in
      guard let part = tensor.part, let error = tensor.error, error.relativeRMS != 0 else { return nil }
      return LossyTensor(
        name: tensor.name, part: part, encoding: tensor.encoding,
        bitsPerWeight: tensor.bitsPerWeight, relativeRMS: Double(error.relativeRMS),
        worstGroup: Double(error.worstGroup), worstRow: error.worstRow)
    }
  }
}

extension NativeFile {
  /// Bits that an element of a part takes on average; 0 where the part has none.
  func bitsPerWeight(of part: ModelPart) -> Double {
    let tensors = entries.filter { $0.part == part }
    let elements = tensors.reduce(0.0) { $0 + Double($1.shape.elementCount) }
    return elements > 0 ? 8 * tensors.reduce(0.0) { $0 + Double($1.byteCount) } / elements : 0
  }
}
