import CogBase
import CogEvaluate
import CogModel
import CogText

/// Text files: configuration, tokenizer, questions, lists of videos.
enum TextTargets {
  /// A `config.json`, and the table of tensors that follows from it.
  static func config(_ bytes: UnsafeRawBufferPointer) throws {
    let configuration = try ModelConfiguration(json: bytes, file: "config.json")
    let table = TensorTable(configuration)
    for specification in table.specifications {
      // Sums over all tensors are what conversions compute before they begin.
      _ = try naming(file: "config.json") { try specification.shape.byteCount(of: .float32) }
    }
    _ = TapPoint.all(configuration)
  }

  /// Words, spaces, digits, another script, an emoji of several scalars, and names of added tokens.
  private static let sample = "Hello, world's 12345 tests!\n\n  日本語 é👩‍🚀 <|x|><|end_of_text|> <unk>"

  /// A `tokenizer.json`, or the compact form, which begins with `CGTK`.
  static func tokenizer(_ bytes: UnsafeRawBufferPointer) throws {
    let isCompact = bytes.starts(with: "CGTK".utf8)
    let tokenizer =
      try isCompact
      ? Tokenizer(encoded: bytes, file: "tokenizer") : Tokenizer(json: bytes, file: "tokenizer.json")
    let ids = tokenizer.encode(sample)
    guard ids.allSatisfy({ (0..<tokenizer.vocabularySize).contains($0) }) else {
      throw ContractBroken(what: "an id is outside of the vocabulary")
    }
    try naming(file: "tokenizer") {
      _ = try tokenizer.decode(ids, skipSpecial: true)
      let all = Array(0..<min(tokenizer.vocabularySize, 1024))
      _ = try tokenizer.decode(all, skipSpecial: false)
    }
    let encoded = tokenizer.encoded()
    let again = try encoded.withUnsafeBytes { try Tokenizer(encoded: $0, file: "tokenizer") }
    guard again.encoded() == encoded, again.encode(sample) == ids else {
      throw ContractBroken(what: "the compact form is another tokenizer")
    }
  }

  /// A question file.
  static func questions(_ bytes: UnsafeRawBufferPointer) throws {
    let set = try QuestionSet(json: bytes, file: "questions.json")
    guard set.askingOrder.sorted() == Array(set.questions.indices) else {
      throw ContractBroken(what: "questions are asked twice or not at all")
    }
    for question in set.questions { _ = set.videoPath(of: question.video) }
  }

  /// A list of videos: a path on each line, comma-separated values, or JSON lines. What is no text counts as
  /// a video itself.
  static func videos(_ bytes: UnsafeRawBufferPointer, _ scratch: Scratch) throws {
    let path = try scratch.write(bytes, as: "videos")
    let list = try VideoList([path])
    guard !list.entries.isEmpty, Set(list.entries.map(\.name)).count == list.entries.count,
      list.entries.allSatisfy({ list.path(of: $0.name) == $0.path })
    else { throw ContractBroken(what: "videos of a list that share a name, or none") }
    // A column of a name that only tables have.
    do { _ = try VideoList([path], column: "clip") } catch is CogError {}
  }
}
