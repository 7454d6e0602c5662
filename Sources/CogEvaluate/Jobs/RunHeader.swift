import CogBase
import Crypto
import Foundation

/// What decides about the replies of a run: its `header.json` (`Formats/run.md`).
package struct RunHeader: Codable, Equatable, Sendable {
  /// The model.
  package struct Model: Codable, Equatable, Sendable {
    /// The name of its file; not compared.
    package let name: String
    /// What identifies its tensors.
    package let digest: String
    /// How many tensors have each encoding.
    package let encodings: [String: Int]

    /// The model in a file of that name.
    package init(name: String, digest: String, encodings: [String: Int]) {
      (self.name, self.digest, self.encodings) = (name, digest, encodings)
    }
  }

  /// The words around what is asked.
  package struct Prompt: Codable, Equatable, Sendable {
    /// The form of the prompt, such as `chat`.
    package let template: String
    /// What is added to the question: `plain` adds nothing.
    package let profile: String
    /// What is asked where all items ask the same; nil elsewhere.
    package let text: String?

    /// A form and a profile.
    package init(template: String, profile: String, text: String? = nil) {
      (self.template, self.profile, self.text) = (template, profile, text)
    }
  }

  /// How the model runs.
  package struct Settings: Codable, Equatable, Sendable {
    /// The arithmetic.
    package let mode: String
    /// The most tokens of a reply.
    package let maxNewTokens: Int
    /// Whether damaged pictures are shown.
    package let toleratesDamage: Bool
    /// The pieces that videos are cut into; nil where they are whole.
    package let pieces: String?

    /// Settings.
    package init(mode: String, maxNewTokens: Int, toleratesDamage: Bool, pieces: String? = nil) {
      (self.mode, self.maxNewTokens, self.toleratesDamage) = (mode, maxNewTokens, toleratesDamage)
      self.pieces = pieces
    }
  }

  /// The list of what is asked.
  package struct Items: Codable, Equatable, Sendable {
    /// SHA-256 of `items.jsonl`.
    package let digest: String
    /// How many items there are, and of how many videos.
    package let count: Int
    package let videos: Int
  }

  /// `cogvlm run`.
  package private(set) var format = Self.format
  /// Of the format; others are refused.
  package private(set) var version = Self.version
  /// What kind of work it is, such as `questions`.
  package let job: String
  /// The model.
  package let model: Model
  /// The words around what is asked.
  package let prompt: Prompt
  /// The rule that chooses frames, such as `chat` or `uniform:16`.
  package let frames: String
  /// How the model runs.
  package let settings: Settings
  /// What is asked.
  package let items: Items

  private static let format = "cogvlm run"
  private static let version = 1

  /// The header of a run over a list. - Throws: as ``RunList/encoded()``.
  package init(
    job: String, model: Model, prompt: Prompt, frames: String, settings: Settings, list: RunList
  ) throws {
    (self.job, self.model, self.prompt) = (job, model, prompt)
    (self.frames, self.settings) = (frames, settings)
    items = Items(digest: try list.digest(), count: list.items.count, videos: list.videos.count)
  }

  /// Reads a header.
  ///
  /// - Throws: `CogError` that names the file when it is none, or of another version.
  init(_ bytes: [UInt8], file: String) throws {
    struct Kind: Decodable {
      let format: String
      let version: Int
    }
    let kind = RunLine.decode(Kind.self, bytes)
    guard let kind, kind.format == Self.format else {
      throw CogError(
        "the file is no header of a run", code: .damaged, file: file, expected: "\"format\": \"cogvlm run\"",
        advice: "Choose another folder for the run.")
    }
    guard kind.version == Self.version else {
      throw CogError(
        "the run is of another version of the format", code: .unsupported, file: file, subject: "version",
        expected: "\(Self.version)", found: "\(kind.version)")
    }
    guard let header = RunLine.decode(RunHeader.self, bytes) else {
      throw CogError("a field of the header is missing or wrong", code: .damaged, file: file)
    }
    self = header
  }

  /// What is compared, by the option or the thing that decides about it; empty where the run has none.
  private var compared: [(String, String)] {
    [
      ("job", job), ("model", model.digest), ("--mode", settings.mode), ("--template", prompt.template),
      ("prompt profile", prompt.profile), ("--frames", frames),
      ("--max-new-tokens", "\(settings.maxNewTokens)"),
      ("--tolerate-damage", "\(settings.toleratesDamage)"),
      ("--prompt", prompt.text ?? ""), ("pieces", settings.pieces ?? ""),
      ("items", "\(items.count) of \(items.videos) videos, \(items.digest)"),
    ]
  }

  /// What identifies the run in each of its lines: 16 hexadecimal digits of the SHA-256 of what is compared.
  package var identity: String {
    let text = compared.filter { !$0.1.isEmpty }.map { "\($0.0) \($0.1)\n" }.joined()
    return SHA256.hash(data: Array(text.utf8)).prefix(8).hexadecimal
  }

  /// - Parameter file: where this header is.
  /// - Throws: `CogError` that says what another header has otherwise.
  package func requireSame(as other: RunHeader, file: String) throws {
    for ((what, old), (_, new)) in zip(compared, other.compared) where old != new {
      throw CogError(
        "the run was begun otherwise", file: file, subject: what, expected: "\"\(old)\"",
        found: "\"\(new)\"", advice: "Give it as before, or choose another folder for the run.")
    }
  }
}
