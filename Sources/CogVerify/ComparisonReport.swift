/// The outcome of `cogvlm verify --against` (JSON document of the same shape).
public struct ComparisonReport: Equatable, Sendable, Codable {
  /// Whether every tap and every answer passed.
  public var passed: Bool
  /// The tested model's file.
  public var model: String
  /// The file that it was compared with.
  public var against: String
  /// The mode that the tested model computed in.
  public var computeMode: String
  /// The mode of the other one.
  public var againstComputeMode: String
  /// The tolerances that were applied.
  public var tolerance: Tolerance
  /// The first tap whose isolated error is out of tolerance; where none is, the first whose accumulated error is.
  public var firstAtFault: String?
  /// Every tap in the order of the forward pass, over all prompts.
  public var taps: [ComparedTap]
  /// The parts of the model: how small they are and what that costs.
  public var parts: [ComparedPart]
  /// The weights tensor by tensor, as `cogvlm diff` compares them.
  public var tensors: [ComparedTensor]
  /// The predictions at all positions of all answers.
  public var divergence: Divergence
  /// The questions in the order of asking.
  public var questions: [ComparedQuestion]
  /// The videos in the order in which they were looked at.
  public var videos: [ComparedVideo]

  /// Writes the JSON of the outcome; no fault is null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(passed, forKey: .passed)
    try container.encode(model, forKey: .model)
    try container.encode(against, forKey: .against)
    try container.encode(computeMode, forKey: .computeMode)
    try container.encode(againstComputeMode, forKey: .againstComputeMode)
    try container.encode(tolerance, forKey: .tolerance)
    try container.encode(firstAtFault, forKey: .firstAtFault)
    try container.encode(taps, forKey: .taps)
    try container.encode(parts, forKey: .parts)
    try container.encode(tensors, forKey: .tensors)
    try container.encode(divergence, forKey: .divergence)
    try container.encode(questions, forKey: .questions)
    try container.encode(videos, forKey: .videos)
  }
}

/// The errors of one tap over all prompts of a comparison.
public struct ComparedTap: Equatable, Sendable, Codable {
  /// The PyTorch module path.
  public var name: String
  /// Elements that were compared.
  public var values: Int
  /// Relative L2 error of the tested model's own run, over the elements of all prompts as if they were one tensor.
  public var relativeL2: Double
  /// The same of the layer given the reference's input.
  public var isolatedRelativeL2: Double
  /// The largest accumulated error of a single prompt.
  public var worstRelativeL2: Double
  /// The largest isolated error of a single prompt.
  public var worstIsolatedRelativeL2: Double
  /// The prompt (video and question; of a vision tap the video) whose accumulated error is the largest.
  public var worstPrompt: String
  /// Largest absolute difference of the accumulated run.
  public var maxAbs: Double
  /// Cosine of the accumulated run.
  public var cosine: Double
  /// Whether the isolated error over all prompts is within tolerance.
  public var isolatedPassed: Bool
  /// Whether both errors over all prompts are within tolerance.
  public var passed: Bool
}

/// The size and the damage of one part of the model.
public struct ComparedPart: Equatable, Sendable, Codable {
  /// The part's name, as `inspect` has it.
  public var part: String
  /// Bits of each element in the tested file.
  public var bitsPerWeight: Double
  /// Bits of each element in the other file.
  public var againstBitsPerWeight: Double
  /// Relative L2 error of the weights, over all elements of the part's tensors as if they were one.
  public var weightRelativeL2: Double
  /// The largest isolated error of the part's taps; nil for the embedding table, whose error shows in the first layer.
  public var isolatedRelativeL2: Double?
  /// The largest accumulated error of the part's taps; nil for the embedding table.
  public var relativeL2: Double?

  /// Writes the JSON of a part; an error that is not known is null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(part, forKey: .part)
    try container.encode(bitsPerWeight, forKey: .bitsPerWeight)
    try container.encode(againstBitsPerWeight, forKey: .againstBitsPerWeight)
    try container.encode(weightRelativeL2, forKey: .weightRelativeL2)
    try container.encode(isolatedRelativeL2, forKey: .isolatedRelativeL2)
    try container.encode(relativeL2, forKey: .relativeL2)
  }
}

/// A video that both models saw.
public struct ComparedVideo: Equatable, Sendable, Codable {
  /// As it was given.
  public var video: String
  /// What was shown of it.
  public var frames: [SeenFrame]
}

/// One question and what both models made of it.
public struct ComparedQuestion: Equatable, Sendable, Codable {
  /// The video; nil without one.
  public var video: String?
  /// What was asked.
  public var question: String
  /// Whether no mismatch counts.
  public var passed: Bool
  /// The reference's greedy answer, white space at both ends removed.
  public var referenceAnswer: String
  /// The tested model's own greedy answer.
  public var answer: String
  /// The ids of the reference's answer.
  public var referenceIds: [Int]
  /// The ids of the tested model's own answer.
  public var ids: [Int]
  /// What each of two logits may be off by: a disagreement is excused up to a gap of twice as much.
  public var logitError: Double
  /// The predictions over the positions of the reference's answer, under the reference's prefix.
  public var divergence: Divergence
  /// The divergence at each position, in nats.
  public var klDivergences: [Double]
  /// The choices at each position, under the reference's prefix.
  public var steps: [AnswerStep]

  /// Writes the JSON of a question; no video is null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(video, forKey: .video)
    try container.encode(question, forKey: .question)
    try container.encode(passed, forKey: .passed)
    try container.encode(referenceAnswer, forKey: .referenceAnswer)
    try container.encode(answer, forKey: .answer)
    try container.encode(referenceIds, forKey: .referenceIds)
    try container.encode(ids, forKey: .ids)
    try container.encode(logitError, forKey: .logitError)
    try container.encode(divergence, forKey: .divergence)
    try container.encode(klDivergences, forKey: .klDivergences)
    try container.encode(steps, forKey: .steps)
  }
}
