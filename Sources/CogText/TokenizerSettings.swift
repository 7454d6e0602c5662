import CogBase

/// Checks that a `tokenizer.json` asks for nothing but what ``Tokenizer`` does.
///
/// Every setting that would change the ids of a text, or the text of ids, is refused by name, and so is one
/// that is not known. What only concerns offsets, or tokens that are added around a text, is passed over,
/// and so are saved settings of `truncation` and `padding`: the published code sets both anew for each text.
enum TokenizerSettings {
  /// - Throws: `CogError` that names the setting, what is expected and what the file has.
  static func check(_ root: JSON) throws {
    try check(
      root, at: "", what: "the tokenizer file",
      [
        "version": exactly(.string("1.0")),
        "truncation": isAnything,
        "padding": isAnything,
        "added_tokens": isList,
        "normalizer": isNull,
        "pre_tokenizer": isObject,
        "post_processor": isAnything,
        "decoder": isObject,
        "model": isObject,
      ])
    try checkModel(root["model"] ?? .null)
    try checkPreTokenizer(root["pre_tokenizer"] ?? .null)
    try check(
      root["decoder"] ?? .null, at: "decoder.", what: "the decoder",
      [
        "type": exactly(.string("ByteLevel")),
        "add_prefix_space": isAnything,
        "trim_offsets": isAnything,
        "use_regex": isAnything,
      ])
  }

  /// Checks one element of `added_tokens`, `at` being its path with a final period.
  static func checkAddedToken(_ token: JSON, at path: String) throws {
    let no = exactly(.bool(false))
    let flag = Rule("true or false") { $0.boolean != nil }
    try check(
      token, at: path, what: "the added token",
      [
        "id": Rule("a token id") { ($0.integer ?? -1) >= 0 },
        "content": Rule("a text that is not empty") { $0.text?.isEmpty == false },
        "single_word": no, "lstrip": no, "rstrip": no, "normalized": flag, "special": flag,
      ])
  }

  private static func checkModel(_ model: JSON) throws {
    try check(
      model, at: "model.", what: "the model",
      [
        "type": exactly(.string("BPE")),
        "dropout": Rule("null") { $0 == .null || $0.double == 0 },
        "unk_token": isNull,
        "continuing_subword_prefix": Rule("null") { $0 == .null || $0.text?.isEmpty == true },
        "end_of_word_suffix": Rule("null") { $0 == .null || $0.text?.isEmpty == true },
        "fuse_unk": isUnset,
        "byte_fallback": isUnset,
        "ignore_merges": Rule("true or false") { $0 == .null || $0.boolean != nil },
        "vocab": isObject,
        "merges": isList,
      ])
  }

  private static func checkPreTokenizer(_ value: JSON) throws {
    try check(
      value, at: "pre_tokenizer.", what: "the pre-tokenizer",
      [
        "type": exactly(.string("Sequence")),
        "pretokenizers": Rule("a Split and a ByteLevel step") { $0.elements?.count == 2 },
      ])
    let steps = value["pretokenizers"]?.elements ?? []
    let first = "pre_tokenizer.pretokenizers[0]."
    try check(
      steps.first ?? .null, at: first, what: "the first step",
      [
        "type": exactly(.string("Split")),
        "pattern": isObject,
        "behavior": exactly(.string("Isolated")),
        "invert": exactly(.bool(false)),
      ])
    try check(
      steps.first?["pattern"] ?? .null, at: first + "pattern.", what: "the split pattern",
      ["Regex": exactly(.string(PieceScanner.pattern))])
    try check(
      steps.last ?? .null, at: "pre_tokenizer.pretokenizers[1].", what: "the second step",
      [
        "type": exactly(.string("ByteLevel")),
        "add_prefix_space": exactly(.bool(false)),
        "trim_offsets": isAnything,
        "use_regex": exactly(.bool(false)),
      ])
  }

  /// What one setting may be; a setting that is not there is taken as null.
  private struct Rule: Sendable {
    let expected: String
    let holds: @Sendable (JSON) -> Bool

    init(_ expected: String, _ holds: @escaping @Sendable (JSON) -> Bool) {
      self.expected = expected
      self.holds = holds
    }
  }

  private static let isNull = Rule("null") { $0 == .null }
  private static let isUnset = Rule("false") { $0 == .null || $0 == .bool(false) }
  private static let isObject = Rule("an object") { $0.members != nil }
  private static let isList = Rule("an array") { $0.elements != nil }
  private static let isAnything = Rule("anything") { _ in true }

  private static func exactly(_ wanted: JSON) -> Rule { Rule(spelling(wanted)) { $0 == wanted } }

  private static func check(_ object: JSON, at path: String, what: String, _ rules: [String: Rule]) throws {
    guard let members = object.members else {
      throw CogError("\(what) is no JSON object", subject: String(path.dropLast()), found: object.kind)
    }
    if let unknown = members.first(where: { rules[$0.key] == nil }) {
      throw refusal(path + unknown.key, expected: "no such setting", found: unknown.value)
    }
    for (key, rule) in rules.sorted(by: { $0.key < $1.key }) {
      let value = object[key] ?? .null
      if !rule.holds(value) { throw refusal(path + key, expected: rule.expected, found: value) }
    }
  }

  private static func refusal(_ setting: String, expected: String, found: JSON) -> CogError {
    CogError(
      "a setting of the tokenizer is not one of Llama 3's", subject: setting, expected: expected,
      found: spelling(found),
      advice: "Use the tokenizer.json that was published with the model.")
  }

  private static func spelling(_ value: JSON) -> String {
    switch value {
    case .null: "null"
    case .bool(let flag): "\(flag)"
    case .string(let text): text.count <= 200 ? "\"\(text)\"" : "a text of \(text.count) characters"
    default: value.kind
    }
  }
}
