import CogBase
import CogMedia

/// An entry of a benchmark's file, whose fields are checked as they are taken.
struct BenchmarkEntry {
  private let json: JSON
  /// What errors call it, such as `entry 3`.
  let subject: String

  /// - Throws: `CogError` when it is no object.
  init(_ json: JSON, _ subject: String) throws {
    guard json.members != nil else {
      throw CogError("an entry is no object", subject: subject, expected: "an object", found: json.kind)
    }
    (self.json, self.subject) = (json, subject)
  }

  private func wrong(_ key: String, _ expected: String, _ found: JSON?) -> CogError {
    CogError(
      found == nil ? "a field is missing" : "a field is wrong", subject: "\(subject), \(key)",
      expected: expected, found: found.map { $0.text == "" ? "an empty one" : $0.kind })
  }

  /// Whether there is such a field.
  func has(_ key: String) -> Bool { json[key].map { $0 != .null } ?? false }

  /// A text that says something; whole numbers count as their digits. - Throws: `CogError` when it is none.
  func text(_ key: String) throws -> String {
    guard let text = Self.text(json[key]) else { throw wrong(key, "a text", json[key]) }
    return text
  }

  private static func text(_ value: JSON?) -> String? {
    let text = value?.text ?? value?.integer.map(String.init)
    return text.flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 }
  }

  /// A name of a file below a folder of its own. - Throws: `CogError` when it leads elsewhere.
  func name(_ key: String) throws -> String {
    let name = try text(key)
    guard Self.isInside(name) else {
      throw CogError(
        "a name leads out of the folder of the videos", subject: "\(subject), \(key)",
        expected: "a name below it", found: name)
    }
    return name
  }

  /// Whether a name stays below the folder that it is looked for in.
  static func isInside(_ name: String) -> Bool {
    !name.isAbsolutePath && !name.utf8.contains(0) && !name.split(separator: "/").contains("..")
  }

  /// A number, or the numbers of a list; none where there is anything else.
  func numbers(_ key: String) -> [Double] {
    if let number = json[key]?.double { return [number] }
    let elements = json[key]?.elements ?? []
    let numbers = elements.compactMap(\.double)
    return numbers.count == elements.count ? numbers : []
  }

  /// A list of at least one text. - Throws: `CogError` when it is none.
  func texts(_ key: String) throws -> [String] {
    let texts = json[key]?.elements?.compactMap(Self.text)
    guard let texts, !texts.isEmpty, texts.count == json[key]?.elements?.count else {
      throw wrong(key, "a list of texts", json[key])
    }
    return texts
  }

  /// `start` and `end` in seconds. - Throws: `CogError` when they are no part of a video.
  func bounds() throws -> ClipBounds {
    func seconds(_ key: String) throws -> Double {
      guard let value = json[key]?.double ?? json[key]?.text.flatMap({ Double($0) }), value.isFinite else {
        throw wrong(key, "seconds", json[key])
      }
      return value
    }
    let (start, end) = (try seconds("start"), try seconds("end"))
    // Annotations begin a little before the video now and then.
    guard let bounds = ClipBounds(start: max(0, start), end: end) else {
      throw CogError(
        "the part of the video is none", subject: subject, expected: "start before end",
        found: "\(start) to \(end) s")
    }
    return bounds
  }

  /// Candidates and the true one among them. - Throws: `CogError` when it is none of them.
  func choice() throws -> (candidates: [String], answer: String) {
    let (candidates, answer) = (try texts("candidates"), try text("answer"))
    guard OptionLetter.place(of: answer, in: candidates) != nil else {
      throw CogError(
        "the true answer is none of the candidates", subject: "\(subject), answer",
        expected: candidates.joined(separator: ", "), found: answer)
    }
    return (candidates, answer)
  }
}

/// Files of benchmarks.
enum BenchmarkFile {
  /// The largest have some 20 MB.
  static let largest = 1 << 26

  /// The JSON of a file. - Throws: `CogError` when it cannot be read, is too large or no JSON.
  static func json(_ path: String) throws -> JSON {
    try MappedFile.withBytes(ofFile: path) { bytes in
      guard bytes.count <= largest else {
        throw CogError(
          "the file is too large for a list of questions", file: path, expected: "at most \(largest) bytes",
          found: "\(bytes.count)")
      }
      return try naming(file: path) { try JSON.parse(bytes, what: "list of questions") }
    }
  }

  /// The entries of a list. - Throws: `CogError` when it is none.
  static func entries(_ json: JSON, _ file: String, _ subject: String = "") throws -> [BenchmarkEntry] {
    guard let elements = json.elements else {
      throw CogError(
        "the list of questions is none", file: file, subject: subject.isEmpty ? nil : subject,
        expected: "an array", found: json.kind)
    }
    return try naming(file: file) {
      try elements.enumerated().map {
        try BenchmarkEntry($1, subject + (subject.isEmpty ? "" : ", ") + "entry \($0 + 1)")
      }
    }
  }
}
