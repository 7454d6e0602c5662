import CogBase
import CogCompute
import CogEngine
package import CogMedia
package import CogModel
import CogQuantize
import CogText

/// The prompts of a calibration set as a model reads them, and the frames of its videos.
package struct CalibrationPrompts: Sendable {
  /// How prompts are made of a set.
  package struct Settings: Sendable {
    /// The template of the questions; nil takes the model's own.
    package var template: PromptTemplate?
    /// Which frames the model is shown; nil takes the template's.
    package var sampling: FrameSampling?
    /// Whether pictures that a decoder reports as damaged are shown.
    package var toleratesDamage = false

    /// The model's own way.
    package init() {}
  }

  /// The prompts about a video: the tokens that all of them begin with, then the others of each.
  struct Video {
    /// Of all tokens.
    let ids: [Int]
    /// Of all tokens: 1 where an image's feature goes.
    let tokenTypes: [Int]
    /// The rotary positions of the beginning.
    let beginning: [Int]
    /// Those of each prompt's rest.
    let rests: [[Int]]

    init(_ prompts: [Prompt]) {
      let shared = Prompt.sharedCount(of: prompts)
      let first = prompts.first
      ids = (first.map { Array($0.ids[..<shared]) } ?? []) + prompts.flatMap { $0.ids[shared...] }
      tokenTypes =
        (first.map { Array($0.tokenTypes[..<shared]) } ?? []) + prompts.flatMap { $0.tokenTypes[shared...] }
      beginning = first.map { Array($0.positions[..<shared]) } ?? []
      rests = prompts.map { Array($0.positions[shared...]) }
    }
  }

  /// The videos in the order of the set, those that cannot be decoded left out.
  let videos: [Video]
  /// What identifies the set and how prompts are made of it, by name.
  let record: [String: String]
  /// What a person should know about the set.
  let remarks: [String]

  /// Decodes the videos and makes the prompts. Videos that cannot be decoded are left out, with a remark.
  ///
  /// - Parameter images: gets the prepared frames of each video, `[frames, 3 * size * size]`.
  /// - Throws: `CogError` when no video can be decoded, the tokenizer is damaged, a prompt does not fit the
  ///   model's context, or `images` cannot be written; what the context's cancellation throws.
  init(
    source: ModelSource, set: CalibrationSet, settings: Settings, images: ActivationFile, context: RunContext
  ) throws {
    let configuration = source.configuration
    let template = settings.template ?? configuration.template
    let sampling = settings.sampling ?? template.frameSampling
    let tokenizer = try source.tokenizer.compact.withUnsafeBytes {
      try Tokenizer(encoded: $0, file: source.tensors.path)
    }
    let progress = context.progress.begin("decoding videos", total: set.clips.count)
    defer { progress.finish() }
    var videos: [Video] = []
    var promptCount = 0
    var remarks: [String] = []
    for clip in set.clips {
      progress.advance(by: 1, clip.name)
      let video: PreparedVideo
      do {
        video = try PreparedVideo(
          VideoInput(path: clip.path, toleratesDamage: settings.toleratesDamage), sampling: sampling,
          size: configuration.vision.imageSize, cancellation: context.cancellation)
      } catch let error as CogError {
        remarks.append("\(clip.name.shown) was left out of the calibration: \(error.description)")
        continue
      }
      let prompts = try clip.questions.map { question in
        let prompt = try Prompt(
          tokenizer: tokenizer, template: template, frameCount: video.frames.count, query: question,
          beginOfTextID: configuration.beginOfTextID, padID: configuration.padID,
          tokensPerFrame: configuration.vision.tokensPerFrame)
        try naming(file: clip.path) { try prompt.requireRoom(inContext: configuration.contextLength) }
        return prompt
      }
      promptCount += prompts.count
      videos.append(Video(prompts))
      try images.append(video.images)
    }
    guard !videos.isEmpty else {
      throw CogError(
        "no video of the calibration set can be decoded", file: set.clips.first?.path,
        found: remarks.first, advice: "Give other videos.")
    }
    self.videos = videos
    self.remarks = remarks
    record = [
      "set": try set.digest(cancellation: context.cancellation), "videos": "\(videos.count)",
      "prompts": "\(promptCount)", "frames": sampling.name, "template": template.rawValue,
    ]
  }

  /// What activations depend on beside the model.
  var identity: String { record.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: " ") }

  /// For each token of a video's prompts whether it is one of an image; nil in the vision tower, where all
  /// are.
  func isImage(at point: TapPoint, _ number: Int) -> [Bool]? {
    point.isVision ? nil : videos[number].tokenTypes.map { $0 == 1 }
  }
}
