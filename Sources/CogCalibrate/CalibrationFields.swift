import CogBase
package import CogModel
package import CogNative

/// What a calibration file says beside the moments (`Formats/calibration.md`, "Metadata").
package struct CalibrationFields: Equatable, Sendable {
  /// The model whose layers were looked at.
  package struct Model: Equatable, Sendable, Codable {
    /// The name of its file, without the folder.
    package var name: String
    /// What identifies its tensors (`NativeFile.digest`).
    package var digest: String
    /// How many of its tensors have each encoding.
    package var encodings: [String: Int]
    /// The files that it was converted from, as its own file says.
    package var sources: [ModelMetadata.SourceFile]

    /// A model by what identifies it.
    package init(
      name: String, digest: String, encodings: [String: Int], sources: [ModelMetadata.SourceFile]
    ) {
      (self.name, self.digest, self.encodings, self.sources) = (name, digest, encodings, sources)
    }

    /// What a calibration file says of an open model.
    package init(_ file: NativeFile) {
      self.init(
        name: file.path.lastPathName.shown, digest: file.digest, encodings: file.encodingCounts,
        sources: file.metadata.provenance.sources)
    }
  }

  /// A calibration set.
  package struct Set: Equatable, Sendable, Codable {
    /// What identifies it (``CalibrationSet/digest(cancellation:progress:)``).
    package var digest: String
    /// Its videos and their prompts, those that failed among them.
    package var videos: Int
    package var prompts: Int

    /// A set by what identifies it.
    package init(digest: String, videos: Int, prompts: Int) {
      (self.digest, self.videos, self.prompts) = (digest, videos, prompts)
    }
  }

  /// How the model was run.
  package struct Settings: Equatable, Sendable, Codable {
    /// The arithmetic, as `--mode` names it.
    package var mode: String
    /// The prompt template.
    package var template: String
    /// Which frames of a video the model was shown, as `--frames` names it.
    package var frames: String
    /// Whether damaged pictures were shown.
    package var toleratesDamage: Bool

    /// Settings by their names.
    package init(mode: String, template: String, frames: String, toleratesDamage: Bool) {
      (self.mode, self.template, self.frames) = (mode, template, frames)
      self.toleratesDamage = toleratesDamage
    }
  }

  /// How much was looked at.
  package struct Counts: Equatable, Sendable, Codable {
    /// Videos, without those that failed.
    package var videos = 0
    /// Prompts about them.
    package var prompts = 0
    /// Frames of the videos.
    package var frames = 0
    /// Tokens that the language model read: of images, and of text. What the prompts of a video begin with
    /// alike was read, and is counted, once.
    package var imageTokens = 0
    package var textTokens = 0

    /// Of nothing.
    package init() {}

    mutating func add(_ other: Counts) {
      videos += other.videos
      prompts += other.prompts
      frames += other.frames
      imageTokens += other.imageTokens
      textTokens += other.textTokens
    }
  }

  /// Name and version of the program that wrote the file.
  package var tool: String
  /// The model.
  package var model: Model
  /// The sets, of a merged file several.
  package var sets: [Set]
  /// How the model was run.
  package var settings: Settings
  /// How much was looked at.
  package var counts = Counts()
  /// Videos of the sets that could not be looked at, by name.
  package var failed: [String] = []

  /// What is known before anything was looked at.
  package init(tool: String, model: Model, sets: [Set], settings: Settings) {
    (self.tool, self.model, self.sets, self.settings) = (tool, model, sets, settings)
  }
}
