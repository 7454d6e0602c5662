import CogBase

extension Tokenizer {
  /// Reads a `tokenizer.json`.
  ///
  /// - Parameters:
  ///   - bytes: the file's bytes.
  ///   - file: its path, for errors.
  /// - Throws: `CogError` when it is not JSON, asks for anything that would make other ids than Llama 3's
  ///   byte-level byte-pair encoding does, or contradicts itself.
  package init(json bytes: UnsafeRawBufferPointer, file: String) throws {
    self = try naming(file: file) {
      // The published one has 128,256 tokens and 280,147 merges, which may be pairs: 970,000 values.
      let root = try JSON.parse(bytes, what: "tokenizer")
      try TokenizerSettings.check(root)
      let model = root["model"] ?? .null
      var list = TokenList()
      try list.addVocabulary(model["vocab"]?.members ?? [])
      try list.addAddedTokens(root["added_tokens"]?.elements ?? [])
      let tokens = try TokenTable(bytes: list.bytes, ends: list.ends, kinds: list.kinds.map(\.rawValue))
      let merges = try (model["merges"]?.elements ?? []).enumerated().map { rank, value in
        try naming(subject: "model.merges[\(rank)]") { try Self.merge(value, tokens) }
      }
      return Tokenizer(
        tokens: tokens, merges: try MergeTable(merges, tokens: tokens),
        ignoresMerges: model["ignore_merges"]?.boolean ?? false)
    }
  }

  /// One element of `model.merges`: `"a b"` or `["a", "b"]`.
  private static func merge(_ value: JSON, _ tokens: TokenTable) throws -> Merge {
    let parts =
      value.text?.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      ?? value.elements?.compactMap(\.text) ?? []
    guard parts.count == 2, value.elements?.count ?? 2 == 2,
      let left = ByteAlphabet.bytes(spelledBy: parts[0]),
      let right = ByteAlphabet.bytes(spelledBy: parts[1])
    else {
      throw CogError(
        "a merge is wrong", expected: "\"a b\" or [\"a\", \"b\"]", found: value.text ?? value.kind)
    }
    func id(_ bytes: [UInt8]) throws -> UInt32 {
      guard let id = bytes.withUnsafeBufferPointer({ tokens.ordinary($0) }) else {
        throw CogError(
          "a token of a merge is not in the vocabulary",
          found: String(decoding: bytes, as: UTF8.self).debugDescription)
      }
      return id
    }
    return Merge(left: try id(left), right: try id(right), result: try id(left + right))
  }
}

/// Runs `body` and names `subject` in every `CogError` that does not name one yet.
private func naming<Result>(subject: @autoclosure () -> String, _ body: () throws -> Result) throws -> Result
{
  do {
    return try body()
  } catch var error as CogError {
    if error.subject == nil { error.subject = subject() }
    throw error
  }
}

/// The tokens of a `tokenizer.json` in the order of ids.
private struct TokenList {
  var bytes: [UInt8] = []
  var ends: [UInt32] = []
  var kinds: [TokenKind] = []

  /// Adds `model.vocab`: tokens spelled in the byte alphabet, and their ids, which are 0 to n - 1 in any
  /// order.
  mutating func addVocabulary(_ members: [JSON.Member]) throws {
    var tokens = [[UInt8]](repeating: [], count: members.count)
    for member in members {
      let subject = "model.vocab[\(member.key.debugDescription)]"
      guard let id = member.value.integer, members.indices.contains(id), tokens[id].isEmpty else {
        throw CogError(
          "the id of a token is wrong", subject: subject,
          expected: "a number from 0 to \(members.count - 1) that no other token has",
          found: member.value.kind)
      }
      guard let content = ByteAlphabet.bytes(spelledBy: member.key), !content.isEmpty else {
        throw CogError(
          "a token is not spelled in the alphabet of byte-level tokenizers", subject: subject,
          advice: "Use the tokenizer.json that was published with the model.")
      }
      tokens[id] = content
    }
    for token in tokens { try append(token, .ordinary) }
  }

  /// Adds `added_tokens`. One that the vocabulary spells too has its id there; the others continue the ids in
  /// the order in which they are listed: the reference numbers them so whatever the file says.
  mutating func addAddedTokens(_ elements: [JSON]) throws {
    let spelled = idsInVocabulary(elements.compactMap { $0["content"]?.text })
    for (index, element) in elements.enumerated() {
      let path = "added_tokens[\(index)]"
      try TokenizerSettings.checkAddedToken(element, at: path + ".")
      var kind = TokenKind.added
      if element["special"]?.boolean == true { kind.insert(.special) }
      if element["normalized"]?.boolean == true { kind.insert(.normalized) }
      let content = element["content"]?.text ?? ""
      let spelling = ByteAlphabet.bytes(spelledBy: content)
      let known = spelling.flatMap { spelled[$0] }
      guard element["id"]?.integer == known ?? ends.count else {
        throw CogError(
          "the id of an added token is wrong", subject: path + ".id", expected: "\(known ?? ends.count)",
          found: (element["id"] ?? .null).kind)
      }
      guard let known else {
        try append(Array(content.utf8), kind)
        continue
      }
      // A token of the vocabulary stands for its bytes, an added one for its text: one id cannot do both.
      guard spelling == Array(content.utf8), kinds[known] == .ordinary else {
        throw CogError(
          "an added token contradicts another token", subject: path,
          found: "the same spelling as token \(known)")
      }
      kinds[known].formUnion(kind)
    }
  }

  /// The ids that the vocabulary gives to those of `texts` which are spellings of its tokens, by their bytes.
  private func idsInVocabulary(_ texts: [String]) -> [[UInt8]: Int] {
    let wanted = Set(texts.compactMap { ByteAlphabet.bytes(spelledBy: $0) })
    var ids: [[UInt8]: Int] = [:]
    var start = 0
    for (id, end) in ends.enumerated() {
      let token = Array(bytes[start..<Int(end)])
      if wanted.contains(token) { ids[token] = id }
      start = Int(end)
    }
    return ids
  }

  private mutating func append(_ token: [UInt8], _ kind: TokenKind) throws {
    bytes += token
    guard let end = UInt32(exactly: bytes.count) else {
      throw CogError("the tokens are too large together", expected: "less than 4 GiB")
    }
    ends.append(end)
    kinds.append(kind)
  }
}
