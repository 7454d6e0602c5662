import CogBase
import Crypto

/// The words around a question, as a harness writes them: a data file.
package struct PromptProfile: Equatable, Sendable {
  /// Its name, by which the shipped ones are found.
  package let name: String
  /// Where its words are from.
  package let source: String
  /// What identifies it in the header of a run: the name, and what its file's digest begins with; `plain` is
  /// the question as it stands.
  package let identity: String
  /// The prompt, in which `{question}` and `{options}` stand for those of an item.
  private let text: String
  /// A line of the options, in which `{letter}` and `{option}` stand for one.
  private let option: String?
  /// What the prompt has said already of the reply, which belongs to it.
  private let replyBeginning: String

  /// The question as it stands.
  package static let plain = PromptProfile()

  private init() {
    (name, identity, source) = ("plain", "plain", "the question as it stands")
    (text, option, replyBeginning) = ("{question}", nil, "")
  }

  /// A profile of the toolkit by its name; nil where there is none.
  ///
  /// - Throws: `CogError` when the shipped file is broken.
  package init?(named name: String) throws {
    if name == Self.plain.name {
      self = .plain
      return
    }
    guard let file = Self.files[name] else { return nil }
    self = try Self(json: file, file: "\(name).json")
  }

  /// The names of the toolkit's profiles.
  package static var names: [String] { [plain.name] + files.keys.sorted() }

  private static let files: [String: [UInt8]] = [
    "cogvlm2-mvbench": PackageResources.cogvlm2_mvbench_json,
    "cogvlm2-vcg": PackageResources.cogvlm2_vcg_json,
    "cogvlm2-videoqa": PackageResources.cogvlm2_videoqa_json,
    "mvbench": PackageResources.mvbench_json,
    "pllava-mvbench": PackageResources.pllava_mvbench_json,
    "vlmevalkit-mvbench": PackageResources.vlmevalkit_mvbench_json,
    "lmms-mvbench": PackageResources.lmms_mvbench_json,
  ]

  /// Larger files are no words around a question.
  private static let largest = 1 << 16

  /// Opens a profile's file. - Throws: `CogError` when it is none, or cannot be read.
  package init(path: String) throws {
    self = try MappedFile.withBytes(ofFile: path) { bytes in
      guard bytes.count <= Self.largest else {
        throw CogError(
          "the file is too large for a prompt profile", file: path, expected: "at most \(Self.largest) bytes",
          found: "\(bytes.count)")
      }
      return try Self(json: Array(bytes), file: path)
    }
  }

  private init(json: [UInt8], file: String) throws {
    let fields = try naming(file: file) { try Self.fields(JSON.parse(json, what: "prompt profile")) }
    guard let name = fields["name"], let source = fields["source"], let text = fields["text"] else {
      let missing = ["name", "source", "text"].first { fields[$0] == nil }
      throw CogError("a field is missing", file: file, subject: missing, expected: "a text")
    }
    guard text.contains("{question}") else {
      throw CogError(
        "the prompt does not ask", file: file, subject: "text", expected: "{question} somewhere in it",
        found: text)
    }
    guard text.contains("{options}") == (fields["option"] != nil) else {
      throw CogError(
        "options need both their place and their form", file: file, subject: "option",
        expected: "{options} in text, and option beside it, or neither")
    }
    (self.name, self.source, self.text) = (name, source, text)
    (option, replyBeginning) = (fields["option"], fields["replyBeginning"] ?? "")
    identity = "\(name) \(SHA256.hash(data: json).prefix(4).hexadecimal)"
  }

  private static func fields(_ root: JSON) throws -> [String: String] {
    guard let members = root.members else {
      throw CogError("the prompt profile is no object", expected: "an object", found: root.kind)
    }
    let known = ["name", "source", "text", "option", "replyBeginning"]
    var fields: [String: String] = [:]
    for member in members {
      guard known.contains(member.key) else {
        throw CogError(
          "a prompt profile has no such field", subject: member.key, expected: known.joined(separator: ", "))
      }
      guard let value = member.value.text, !value.isEmpty else {
        throw CogError(
          "a field is wrong", subject: member.key, expected: "a text",
          found: member.value.text == nil ? member.value.kind : "an empty one")
      }
      fields[member.key] = value
    }
    return fields
  }

  /// The prompt of an item.
  ///
  /// - Throws: `CogError` when the profile lists options and the item has none.
  package func prompt(for item: RunItem) throws -> String {
    var options = ""
    if let option {
      guard let candidates = item.candidates, candidates.count <= OptionLetter.count else {
        throw CogError(
          "the prompt profile lists options", subject: "--prompt-profile \(name)",
          expected: "1 to \(OptionLetter.count) candidates",
          found: item.candidates.map { "\($0.count): \(item.summary)" } ?? "none: \(item.summary)",
          advice: "Take another profile.")
      }
      options = candidates.indices.map {
        Self.filled(option, ["letter": String(OptionLetter.of($0)), "option": candidates[$0]])
      }.joined(separator: "\n")
    }
    return Self.filled(text, ["question": item.question, "options": options])
  }

  /// The whole reply, of which the model has said all but the beginning.
  package func reply(_ text: String) -> String { (replyBeginning + text).trimmingWhitespace() }

  /// Puts values in the place of their names; what the values hold is not looked at again.
  private static func filled(_ form: String, _ values: [String: String]) -> String {
    var (result, rest) = ("", form[...])
    while let begin = rest.firstIndex(of: "{") {
      result += rest[..<begin]
      rest = rest[begin...]
      if let end = rest.firstIndex(of: "}"), let value = values[String(rest[rest.index(after: begin)..<end])]
      {
        result += value
        rest = rest[rest.index(after: end)...]
      } else {
        result.append(rest.removeFirst())
      }
    }
    return result + rest
  }
}
