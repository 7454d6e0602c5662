package import CogEvaluate

/// What `caption` prints: the captions of a share of a run.
package struct CaptionReport: Equatable, Sendable, Encodable {
  /// One caption, or why there is none.
  package struct Entry: Equatable, Sendable, Encodable {
    /// The video, as the run names it.
    package let video: String
    /// The piece of it, in seconds; nil for all of it.
    package let start: Double?
    package let end: Double?
    /// Whether there is a caption.
    package let status: EvaluatedAnswer.Status
    /// The caption; nil where there is none.
    package let caption: String?
    /// Why there is none; nil where there is one.
    package let error: String?

    private enum CodingKeys: String, CodingKey { case video, start, end, status, caption, error }

    /// Writes `caption` as null where there is none; the piece and the error are there only where there are.
    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(video, forKey: .video)
      try container.encodeIfPresent(start, forKey: .start)
      try container.encodeIfPresent(end, forKey: .end)
      try container.encode(status, forKey: .status)
      try container.encode(caption, forKey: .caption)
      try container.encodeIfPresent(error, forKey: .error)
    }
  }

  /// Items of the share, and those of them that have failed and that have no line.
  package let items: Int
  package let failed: Int
  package let missing: Int
  /// What is there, in the order of the list.
  package let captions: [Entry]

  /// What is there of a share.
  package init(_ share: ShardedRun) {
    (items, failed, missing) = (share.items.count, share.failed, share.missing)
    captions = share.items.compactMap { item in
      share.records[item.key].map { record in
        Entry(
          video: item.video, start: item.bounds?.start, end: item.bounds?.end, status: record.status,
          caption: record.reply,
          error: record.error)
      }
    }
  }

  /// How much is there, in one line.
  package var text: String {
    let counts = captions.compactMap(\.caption).map { CaptionText($0).wordCount }
    let head = "\(counts.count) of \(items) captions, \(failed) failed, \(missing) missing"
    guard let fewest = counts.min(), let most = counts.max() else { return head }
    return head + "; \(fewest) to \(most) words, \(counts.reduce(0, +) / counts.count) on average"
  }
}

/// The part of `merge --json` about an export.
package struct ExportReport: Equatable, Sendable, Encodable {
  /// A smallest, a middle and a greatest one.
  package struct Spread: Equatable, Sendable, Encodable {
    package let least: Int
    package let mean: Int
    package let most: Int

    /// Of no numbers, zeros.
    init(_ counts: [Int]) {
      (least, most) = (counts.min() ?? 0, counts.max() ?? 0)
      mean = counts.isEmpty ? 0 : counts.reduce(0, +) / counts.count
    }
  }

  /// The form.
  package let form: String
  /// Captions that were written, and items that were left out.
  package let captions: Int
  package let leftOut: Int
  /// Words of a caption, and about how many tokens T5's tokenizer makes of it.
  package let words: Spread
  package let tokens: Spread
  /// Captions of more tokens than text encoders usually take.
  package let longCaptions: Int

  /// What is in an export.
  package init(_ export: CaptionExport) {
    (form, captions, leftOut) = (export.form.rawValue, export.rows.count, export.leftOut)
    words = Spread(export.rows.map(\.text.wordCount))
    tokens = Spread(export.rows.map(\.text.tokenEstimate))
    longCaptions = export.rows.count { $0.text.tokenEstimate > CaptionText.usualTokenLimit }
  }

  /// In one line.
  package var text: String {
    "\(captions) captions, \(leftOut) left out; words \(words.least) to \(words.most), "
      + "\(words.mean) on average; about \(tokens.least) to \(tokens.most) tokens of T5, "
      + "\(longCaptions) captions above \(CaptionText.usualTokenLimit)"
  }
}
