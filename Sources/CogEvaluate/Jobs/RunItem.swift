import CogBase
package import CogMedia
import Crypto
import Foundation

/// One thing to ask a model in a run: a line of the run's `items.jsonl` (`Formats/run.md`).
package struct RunItem: Codable, Equatable, Sendable {
  /// What identifies the item by what is asked, whatever its place in the list and however the list is dealt
  /// out.
  package let key: String
  /// Which kind of list it is from, such as `questions`.
  package let dataset: String
  /// The video, as the list has it.
  package let video: String
  /// The part of the video that is asked about; nil where all of it is.
  package let bounds: ClipBounds?
  /// Where the video is a folder of images: how many make a second; nil where it is a file.
  package let imagesPerSecond: Double?
  /// What the question tries; nil where the list has no tasks.
  package let task: String?
  /// What is asked.
  package let question: String
  /// The answers to choose from; nil where the answer is free.
  package let candidates: [String]?
  /// The true answer; nil where there is none.
  package let answer: String?

  /// An item with its key.
  ///
  /// - Parameter copy: which of the items of the list that ask the same, from 1.
  package init(
    dataset: String, video: String, bounds: ClipBounds? = nil, imagesPerSecond: Double? = nil,
    task: String? = nil, question: String, candidates: [String]? = nil, answer: String? = nil, copy: Int = 1
  ) {
    (self.dataset, self.video, self.task, self.question) = (dataset, video, task, question)
    (self.candidates, self.answer) = (candidates, answer)
    (self.bounds, self.imagesPerSecond) = (bounds, imagesPerSecond)
    var fields = [("dataset", dataset), ("video", video)]
    if let bounds { fields += [("start", "\(bounds.start)"), ("end", "\(bounds.end)")] }
    if let task { fields.append(("task", task)) }
    fields.append(("question", question))
    fields += (candidates ?? []).map { ("candidate", $0) }
    if copy > 1 { fields.append(("copy", "\(copy)")) }
    var hash = SHA256()
    for (name, value) in fields {
      hash.update(data: Array("\(name) \(value.utf8.count)\n\(value)\n".utf8))
    }
    key = hash.finalize().prefix(16).hexadecimal
  }

  /// What the model is shown: the video, or the part of it that is asked about as a media fragment.
  package var clip: String { bounds.map { "\(video)#t=\($0.start),\($0.end)" } ?? video }

  /// What the item asks, in a few words, for notes.
  package var summary: String {
    let piece = bounds.map { $0.start == $0.end ? " at \($0.start) s" : " \($0.start) to \($0.end) s" } ?? ""
    return "\(key) \(video)\(piece): \(question)".printable
  }
}

extension RunItem {
  /// Counts items that ask the same, so that each has a key of its own.
  struct Copies {
    private var counts: [String: Int] = [:]

    /// The item with its number among those that ask the same.
    mutating func numbered(_ item: (_ copy: Int) -> RunItem) -> RunItem {
      let first = item(1)
      let copy = (counts[first.key] ?? 0) + 1
      counts[first.key] = copy
      return copy == 1 ? first : item(copy)
    }
  }
}

/// All that a run is to ask, in order.
package struct RunList: Equatable, Sendable {
  /// The items, each key once.
  package let items: [RunItem]

  /// A list of items, each with another key.
  package init(_ items: [RunItem]) { self.items = items }

  /// The questions of a set, in the order of its file.
  package init(_ set: QuestionSet) {
    var copies = RunItem.Copies()
    self.init(
      set.questions.map { question in
        copies.numbered {
          RunItem(
            dataset: "questions", video: question.video, task: question.task, question: question.question,
            candidates: question.candidates, answer: question.answer, copy: $0)
        }
      })
  }

  /// The videos, each once, in the order in which they first stand in the list.
  package var videos: [String] {
    var known: Set<String> = []
    return items.map(\.video).filter { known.insert($0).inserted }
  }

  /// The items whose video is one of some, video by video, those of each in the order of the list; where
  /// they ask about parts of it, part by part.
  package func items(about videos: [String]) -> [RunItem] {
    let byVideo = Dictionary(grouping: items, by: \.video)
    return videos.flatMap { video in
      let own = byVideo[video] ?? []
      let byClip = Dictionary(grouping: own, by: \.clip)
      var known: Set<String> = []
      return own.map(\.clip).filter { known.insert($0).inserted }.flatMap { byClip[$0] ?? [] }
    }
  }

  /// The bytes of `items.jsonl`.
  ///
  /// - Throws: `CogError` when an item cannot be written as JSON.
  package func encoded() throws -> [UInt8] {
    try items.flatMap { Array((try RunLine.encode($0) + "\n").utf8) }
  }

  /// What identifies the list: the SHA-256 of ``encoded()`` in hexadecimal. - Throws: as that.
  package func digest() throws -> String { try SHA256.hash(data: encoded()).hexadecimal }
}

/// Values as lines of JSON.
enum RunLine {
  /// A longer line is none of a run: a model's context holds some thousand tokens.
  static let longest = 1 << 20

  /// A value as one line, keys sorted.
  ///
  /// - Throws: `CogError` when it cannot be written as JSON.
  static func encode(_ value: some Encodable, pretty: Bool = false) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
    do { return String(decoding: try encoder.encode(value), as: UTF8.self).shownInJSON } catch {
      throw CogError("a result cannot be written as JSON", found: "\(error)")
    }
  }

  /// The value of a line; nil where it is none.
  static func decode<Value: Decodable>(_ type: Value.Type, _ line: [UInt8]) -> Value? {
    guard line.count <= longest else { return nil }
    return try? JSONDecoder().decode(type, from: Data(line))
  }
}
