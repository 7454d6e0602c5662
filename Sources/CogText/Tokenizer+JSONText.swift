import CogBase

extension Tokenizer {
  /// A `tokenizer.json` that makes the same ids of every text and the same text of ids, for this toolkit and
  /// the `tokenizers` package.
  ///
  /// The compact form does not keep what a file says about tokens that are added around a text: this one adds
  /// none (`Formats/tokenizer.md`, "Back to tokenizer.json").
  package func json() -> [UInt8] {
    var text = """
      {
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [
      """
    text += Self.list((0..<tokens.count).filter { tokens.kind($0).contains(.added) }.map(addedToken))
    text += """

        ],
        "normalizer": null,
        "pre_tokenizer": {
          "type": "Sequence",
          "pretokenizers": [
            {
              "type": "Split",
              "pattern": { "Regex": \(PieceScanner.pattern.jsonLiteral) },
              "behavior": "Isolated",
              "invert": false
            },
            { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false }
          ]
        },
        "post_processor": null,
        "decoder": { "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true },
        "model": {
          "type": "BPE",
          "dropout": null,
          "unk_token": null,
          "continuing_subword_prefix": null,
          "end_of_word_suffix": null,
          "fuse_unk": false,
          "byte_fallback": false,
          "ignore_merges": \(ignoresMerges),
          "vocab": {
      """
    text += Self.list(
      (0..<tokens.count).filter { tokens.kind($0).contains(.ordinary) }.map { id in
        "      \(spelling(id).jsonLiteral): \(id)"
      })
    text += "\n    },\n    \"merges\": ["
    text += Self.list(
      merges.merges.map { merge in
        "      " + "\(spelling(Int(merge.left))) \(spelling(Int(merge.right)))".jsonLiteral
      })
    text += "\n    ]\n  }\n}\n"
    return Array(text.utf8)
  }

  /// Lines with commas between them.
  private static func list(_ lines: [String]) -> String {
    lines.isEmpty ? "" : "\n" + lines.joined(separator: ",\n")
  }

  private func addedToken(_ id: Int) -> String {
    let content = String(decoding: tokens.bytes[tokens.range(id)], as: UTF8.self)
    let kind = tokens.kind(id)
    return """
          { "id": \(id), "content": \(content.jsonLiteral), "single_word": false, "lstrip": false, \
      "rstrip": false, "normalized": \(kind.contains(.normalized)), "special": \(kind.contains(.special)) }
      """
  }

  /// A token in the alphabet of byte-level tokenizers.
  private func spelling(_ id: Int) -> String {
    var text = String.UnicodeScalarView()
    for byte in tokens.bytes[tokens.range(id)] { text.append(ByteAlphabet.scalars[Int(byte)]) }
    return String(text)
  }
}
