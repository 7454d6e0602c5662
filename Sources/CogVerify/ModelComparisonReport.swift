package import CogCompute
package import CogMedia
package import CogModel

/// The outcome of `cogvlm verify --against` (JSON document of the same shape).
package struct ModelComparisonReport: Equatable, Sendable, Codable {
  /// Whether every tap and every answer passed, and every question could be asked.
  package var passed: Bool
  /// The tested model's file.
  package var model: String
  /// The file that it was compared with.
  package var against: String
  /// The mode that the tested model computed in.
  package var computeMode: ComputeMode
  /// The mode of the other one.
  package var againstComputeMode: ComputeMode
  /// The tolerances that were applied.
  package var tolerance: Tolerance
  /// The first tap whose isolated error is out of tolerance; where none is, the first whose accumulated error
  /// is.
  package var firstAtFault: TapPoint?
  /// Every tap in the order of the forward pass, over all prompts.
  package var taps: [Tap]
  /// The parts of the model: how small they are and what that costs.
  package var parts: [Part]
  /// The weights tensor by tensor, as `cogvlm diff` compares them.
  package var tensors: [Tensor]
  /// The predictions at all positions of all answers.
  package var divergence: Divergence
  /// Where its figures lie for other videos; nil for fewer than two videos.
  package var intervals: DivergenceIntervals?
  /// The questions by task; empty where no file says their tasks.
  package var tasks: [TaskSummary]
  /// How alike the two see the frames; nil without a video.
  package var features: FeatureSummary?
  /// The questions in the order of asking.
  package var questions: [Question]
  /// The videos in the order in which they were looked at.
  package var videos: [Video]
  /// The questions that could not be asked.
  package var failed: [Failure]

  /// Writes the JSON of the outcome; what there is not is null.
  package func encode(to encoder: any Encoder) throws {
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
    try container.encode(intervals, forKey: .intervals)
    try container.encode(tasks, forKey: .tasks)
    try container.encode(features, forKey: .features)
    try container.encode(questions, forKey: .questions)
    try container.encode(videos, forKey: .videos)
    try container.encode(failed, forKey: .failed)
  }

  /// Whether all that was compared passed.
  package var comparedPassed: Bool { taps.allSatisfy(\.passed) && questions.allSatisfy(\.passed) }
}

extension ModelComparisonReport {
  /// A question that could not be asked, as its video is missing or it does not fit the context.
  package struct Failure: Equatable, Sendable, Codable {
    /// The video.
    package var video: String
    /// What was to be asked.
    package var question: String
    /// What is wrong with the video or the question.
    package var error: String
  }
}

extension ModelComparisonReport {
  /// The errors of one tap over all prompts of a comparison.
  package struct Tap: Equatable, Sendable, Codable {
    /// The tap; its JSON is the PyTorch module path, under the key `name`.
    package var point: TapPoint
    /// Elements that were compared.
    package var values: Int
    /// Relative L2 error of the tested model's own run, over the elements of all prompts as if they were one
    /// tensor.
    package var relativeL2: Double
    /// The same of the layer given the reference's input.
    package var isolatedRelativeL2: Double
    /// The largest accumulated error of a single prompt.
    package var worstRelativeL2: Double
    /// The largest isolated error of a single prompt.
    package var worstIsolatedRelativeL2: Double
    /// The prompt (video and question; of a vision tap the video) whose accumulated error is the largest.
    package var worstPrompt: String
    /// Largest absolute difference of the accumulated run.
    package var maxAbs: Double
    /// Cosine of the accumulated run.
    package var cosine: Double
    /// Whether the isolated error over all prompts is within tolerance.
    package var isolatedPassed: Bool
    /// Whether both errors over all prompts are within tolerance.
    package var passed: Bool

    private enum CodingKeys: String, CodingKey {
      case point = "name"
      case values, relativeL2, isolatedRelativeL2, worstRelativeL2, worstIsolatedRelativeL2, worstPrompt
      case maxAbs, cosine, isolatedPassed, passed
    }
  }
}

extension ModelComparisonReport {
  /// The size and the damage of one part of the model.
  package struct Part: Equatable, Sendable, Codable {
    /// The part.
    package var part: ModelPart
    /// Bits of each element in the tested file.
    package var bitsPerWeight: Double
    /// Bits of each element in the other file.
    package var againstBitsPerWeight: Double
    /// Relative L2 error of the weights, over all elements of the part's tensors as if they were one.
    package var weightRelativeL2: Double
    /// The largest isolated error of the part's taps; nil for the embedding table, whose error shows in the
    /// first layer.
    package var isolatedRelativeL2: Double?
    /// The largest accumulated error of the part's taps; nil for the embedding table.
    package var relativeL2: Double?

    /// Writes the JSON of a part; an error that is not known is null.
    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(part, forKey: .part)
      try container.encode(bitsPerWeight, forKey: .bitsPerWeight)
      try container.encode(againstBitsPerWeight, forKey: .againstBitsPerWeight)
      try container.encode(weightRelativeL2, forKey: .weightRelativeL2)
      try container.encode(isolatedRelativeL2, forKey: .isolatedRelativeL2)
      try container.encode(relativeL2, forKey: .relativeL2)
    }
  }
}

extension ModelComparisonReport {
  /// A video that both models saw.
  package struct Video: Equatable, Sendable, Codable {
    /// As it was given.
    package var video: String
    /// What was shown of it.
    package var frames: [VideoFrame]
    /// How alike the two models see each frame.
    package var features: [FeatureCosine]

    /// A video that both models saw.
    package init(video: String, frames: [VideoFrame], features: [FeatureCosine]) {
      (self.video, self.frames, self.features) = (video, frames, features)
    }
  }
}

extension ModelComparisonReport {
  /// One question and what both models made of it.
  package struct Question: Equatable, Sendable, Codable {
    /// The video; nil without one.
    package var video: String?
    /// What the question tries; nil where no file says so.
    package var task: String?
    /// What was asked.
    package var question: String
    /// Whether no mismatch counts.
    package var passed: Bool
    /// The reference's greedy answer, white space at both ends removed.
    package var referenceAnswer: String
    /// The tested model's own greedy answer.
    package var answer: String
    /// The ids of the reference's answer.
    package var referenceIds: [Int]
    /// The ids of the tested model's own answer.
    package var ids: [Int]
    /// What each of two logits may be off by: a disagreement is excused up to a gap of twice as much.
    package var logitError: Double
    /// Where the tested model's own answer departs from the reference's; nil where it does not.
    package var flip: Flip?
    /// The predictions over the positions of the reference's answer, under the reference's prefix.
    package var divergence: Divergence
    /// The divergence at each position, in nats.
    package var klDivergences: [Double]
    /// The logarithm of the probability that the tested model gives each token of the reference's answer.
    package var logProbabilities: [Double]
    /// The same of the reference.
    package var referenceLogProbabilities: [Double]
    /// The choices at each position, under the reference's prefix.
    package var steps: [AnswerStep]

    /// Writes the JSON of a question; what there is not is null.
    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(video, forKey: .video)
      try container.encode(task, forKey: .task)
      try container.encode(question, forKey: .question)
      try container.encode(passed, forKey: .passed)
      try container.encode(referenceAnswer, forKey: .referenceAnswer)
      try container.encode(answer, forKey: .answer)
      try container.encode(referenceIds, forKey: .referenceIds)
      try container.encode(ids, forKey: .ids)
      try container.encode(logitError, forKey: .logitError)
      try container.encode(flip, forKey: .flip)
      try container.encode(divergence, forKey: .divergence)
      try container.encode(klDivergences, forKey: .klDivergences)
      try container.encode(logProbabilities, forKey: .logProbabilities)
      try container.encode(referenceLogProbabilities, forKey: .referenceLogProbabilities)
      try container.encode(steps, forKey: .steps)
    }
  }
}
