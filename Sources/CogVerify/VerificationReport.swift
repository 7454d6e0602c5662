package import CogCompute
package import CogMedia
package import CogModel
package import CogNative

/// The outcome of `cogvlm verify` (JSON document of the same shape).
package struct VerificationReport: Equatable, Sendable, Codable {
  /// Whether every reference was compared with and passed.
  package var passed: Bool
  /// The model's file.
  package var model: String
  /// One entry for each bundle that was compared with.
  package var references: [ReferenceResult]
  /// The bundles that could not be compared with.
  package var failed: [Failure]
  /// The parts of the model: how small they are and what their conversion recorded as lost.
  package var parts: [StoredPart]
  /// The tensors of the model whose conversion lost something.
  package var lossyTensors: [LossyTensor]

  /// A report of several bundles.
  ///
  /// - Parameters:
  ///   - model: the model's file as the user named it.
  ///   - file: that file.
  package init(model: String, file: NativeFile, references: [ReferenceResult], failed: [Failure] = []) {
    passed = failed.isEmpty && references.allSatisfy(\.passed)
    self.model = model
    self.references = references
    self.failed = failed
    parts = StoredPart.all(in: file)
    lossyTensors = LossyTensor.lossy(in: file)
  }

  /// Whether all that was compared passed.
  package var comparedPassed: Bool { references.allSatisfy(\.passed) }

  /// A bundle that could not be compared with, as its frames are missing or are not those of its prompt.
  package struct Failure: Equatable, Sendable, Codable {
    /// The bundle's file.
    package var file: String
    /// What is wrong with it.
    package var error: String

    /// A bundle, and what is wrong with it.
    package init(file: String, error: String) {
      (self.file, self.error) = (file, error)
    }
  }
}

/// The outcome for one bundle.
package struct ReferenceResult: Equatable, Sendable, Codable {
  /// The bundle's file.
  package var file: String
  /// The mode that the engine computed in.
  package var computeMode: ComputeMode
  /// The tolerances that were applied.
  package var tolerance: Tolerance
  /// Whether prompt, taps and answer passed.
  package var passed: Bool
  /// The first tap whose isolated error is out of tolerance; where none is, the first whose accumulated error
  /// is.
  package var firstAtFault: TapPoint?
  /// Whether ids, types and positions that the engine builds itself from the query equal the bundle's; nil
  /// where the bundle does not say the query.
  package var promptMatches: Bool?
  /// Every tap in the order of the forward pass.
  package var taps: [TapResult]
  /// The answer; nil where the bundle has none.
  package var answer: AnswerResult?
  /// The frames that the model saw, in order; empty for a prompt without frames.
  package var frames: [VideoFrame]
}

/// The errors of one tap.
package struct TapResult: Equatable, Sendable, Codable {
  /// The tap; its JSON is the PyTorch module path, under the key `name`.
  package var point: TapPoint
  /// The shape that was compared.
  package var shape: [Int]
  /// Relative L2 error when the engine ran alone from the input.
  package var relativeL2: Double
  /// Relative L2 error of this layer given the reference's input; nil where the bundle lacks that input.
  package var isolatedRelativeL2: Double?
  /// Largest absolute difference of the accumulated run.
  package var maxAbs: Double
  /// Cosine of the accumulated run.
  package var cosine: Double
  /// Whether the isolated error is within tolerance, or unknown.
  package var isolatedPassed: Bool
  /// Whether both errors are within tolerance.
  package var passed: Bool
}

/// The comparison of the answers, token by token under the reference's own prefix.
package struct AnswerResult: Equatable, Sendable, Codable {
  /// Whether no mismatch counts.
  package var passed: Bool
  /// Tokens that were compared.
  package var comparedTokens: Int
  /// The reference's ids.
  package var referenceIds: [Int]
  /// The engine's choice at each place, under the reference's prefix.
  package var ids: [Int]
  /// Those ids as text.
  package var text: String
  /// What each of two logits may be off by: a disagreement is excused up to a gap of twice as much.
  package var logitError: Double
  /// The same token by token, with the reference's gaps.
  package var steps: [AnswerStep]
}

// Keys without a value are written as null, so that a document always has the keys that `Formats/commands.md`
// lists.

extension ReferenceResult {
  /// Writes the JSON of the outcome for one bundle.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(file, forKey: .file)
    try container.encode(computeMode, forKey: .computeMode)
    try container.encode(tolerance, forKey: .tolerance)
    try container.encode(passed, forKey: .passed)
    try container.encode(firstAtFault, forKey: .firstAtFault)
    try container.encode(promptMatches, forKey: .promptMatches)
    try container.encode(taps, forKey: .taps)
    try container.encode(answer, forKey: .answer)
    try container.encode(frames, forKey: .frames)
  }
}

extension TapResult {
  private enum CodingKeys: String, CodingKey {
    case point = "name"
    case shape, relativeL2, isolatedRelativeL2, maxAbs, cosine, isolatedPassed, passed
  }

  /// Writes the JSON of the errors of one tap.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(point, forKey: .point)
    try container.encode(shape, forKey: .shape)
    try container.encode(relativeL2, forKey: .relativeL2)
    try container.encode(isolatedRelativeL2, forKey: .isolatedRelativeL2)
    try container.encode(maxAbs, forKey: .maxAbs)
    try container.encode(cosine, forKey: .cosine)
    try container.encode(isolatedPassed, forKey: .isolatedPassed)
    try container.encode(passed, forKey: .passed)
  }
}
