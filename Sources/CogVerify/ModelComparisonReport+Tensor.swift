package import CogModel

extension ModelComparisonReport {
  /// A tensor of the tested file beside that of the other one, as `cogvlm diff` compares them.
  package struct Tensor: Equatable, Sendable, Codable {
    /// The tensor's name.
    package var name: String
    /// The part of the model.
    package var part: ModelPart
    /// How its elements are stored in the tested file, such as `int4/64`.
    package var encoding: TensorEncoding
    /// The same in the other file.
    package var againstEncoding: TensorEncoding
    /// Bits that an element takes on average in the tested file.
    package var bitsPerWeight: Double
    /// Whether encoding and all bytes are the same.
    package var isIdentical: Bool
    /// Relative L2 error of the values; not a number where ``notFinite`` is not 0, nil where values cannot be
    /// compared.
    package var relativeL2: Double?
    /// The largest relative L2 error of a group of columns; nil where there is none.
    package var worstGroup: Double?
    /// The row of that group.
    package var worstRow: Int?
    /// Elements that are NaN or infinite on one side and not the same on the other.
    package var notFinite: Int
    /// What the conversion of the tested file recorded as lost (`Formats/native.md`), against whatever it was
    /// made of.
    package var recordedRelativeRMS: Double

    /// Writes the JSON of a tensor; what is not known is null.
    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(name, forKey: .name)
      try container.encode(part, forKey: .part)
      try container.encode(encoding, forKey: .encoding)
      try container.encode(againstEncoding, forKey: .againstEncoding)
      try container.encode(bitsPerWeight, forKey: .bitsPerWeight)
      try container.encode(isIdentical, forKey: .isIdentical)
      try container.encode(relativeL2, forKey: .relativeL2)
      try container.encode(worstGroup, forKey: .worstGroup)
      try container.encode(worstRow, forKey: .worstRow)
      try container.encode(notFinite, forKey: .notFinite)
      try container.encode(recordedRelativeRMS, forKey: .recordedRelativeRMS)
    }
  }
}

extension ModelComparisonReport {
  /// The tensors that are not identical, the worst first: those with values that are not finite, then by
  /// their error.
  package var differingTensors: [Tensor] {
    tensors.filter { !$0.isIdentical }.enumerated().sorted { a, b in
      let (first, second) = (a.element.severity, b.element.severity)
      return first == second ? a.offset < b.offset : first > second
    }.map(\.element)
  }

  /// The taps whose errors over all prompts are within tolerance, while one prompt's is not.
  package var hiddenOutliers: [Tap] {
    taps.filter { tap in
      let limit = tolerance.isolated(tap.point)
      return tap.passed
        && !(tap.worstRelativeL2 <= tolerance.accumulated && tap.worstIsolatedRelativeL2 <= limit)
    }
  }

  /// The tensors that the layer of a tap computes with, those that differ, the worst first.
  package func differingTensors(of point: TapPoint) -> [Tensor] {
    differingTensors.filter { $0.point == point }
  }
}

extension ModelComparisonReport.Tensor {
  /// The tap whose layer computes with the tensor.
  package var point: TapPoint? { TapPoint(ofTensor: name) }

  /// The error, and infinity where it is not a number.
  fileprivate var severity: Double {
    guard let relativeL2, !relativeL2.isNaN else { return .infinity }
    return relativeL2
  }
}
