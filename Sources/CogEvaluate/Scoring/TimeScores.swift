/// How well replies name seconds and spans of videos.
package struct TimeScores: Equatable, Sendable, Encodable {
  /// Questions about a moment.
  package struct Moments: Equatable, Sendable, Encodable {
    /// How many there are, and in how many replies a time stands.
    package var questions = 0
    package var parsed = 0
    /// Replies that name the second itself, and those off by at most so many seconds: 1, 2, 3, 5.
    package var exact = 0
    package var within: [String: Int] = [:]
    /// Over the replies with a time, in seconds; nil without any.
    package var meanError: Double?
    package var medianError: Double?
    /// Moments at 24 s or later, which one frame a second up to 24 frames does not show.
    package var outside = 0

    private enum CodingKeys: String, CodingKey {
      case questions, parsed, exact, within, meanError, medianError, outside
    }

    /// Writes errors that are not known as null.
    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(questions, forKey: .questions)
      try container.encode(parsed, forKey: .parsed)
      try container.encode(exact, forKey: .exact)
      try container.encode(within, forKey: .within)
      try container.encode(meanError, forKey: .meanError)
      try container.encode(medianError, forKey: .medianError)
      try container.encode(outside, forKey: .outside)
    }
  }

  /// Questions about a span.
  package struct Spans: Equatable, Sendable, Encodable {
    /// How many there are, and in how many replies a time stands.
    package var questions = 0
    package var parsed = 0
    /// Replies whose time, or the start of whose span, lies in the span.
    package var hits = 0
    /// Replies with a span that shares so much of the hull: 0.3, 0.5, 0.7.
    package var recall: [String: Int] = [:]
    /// The mean part of the hull that is shared, over all questions; nil without any.
    package var meanOverlap: Double?
    /// Spans that begin at 24 s or later.
    package var outside = 0

    private enum CodingKeys: String, CodingKey {
      case questions, parsed, hits, recall, meanOverlap, outside
    }

    /// Writes a mean that is not known as null.
    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(questions, forKey: .questions)
      try container.encode(parsed, forKey: .parsed)
      try container.encode(hits, forKey: .hits)
      try container.encode(recall, forKey: .recall)
      try container.encode(meanOverlap, forKey: .meanOverlap)
      try container.encode(outside, forKey: .outside)
    }
  }

  /// Of moments and of spans.
  package private(set) var moments = Moments()
  package private(set) var spans = Spans()

  private static let distances = [1, 2, 3, 5]
  private static let overlaps = [0.3, 0.5, 0.7]
  /// The last second that the chat rule shows is the one before.
  private static let shownSeconds = 24.0

  /// Compares the times of replies with the true ones. A reply without a time counts as wrong everywhere.
  package init(_ answers: [EvaluatedAnswer]) {
    var errors: [Double] = []
    var overlap = 0.0
    for distance in Self.distances { moments.within["\(distance)"] = 0 }
    for least in Self.overlaps { spans.recall["\(least)"] = 0 }
    for answer in answers {
      guard let truth = TimeAnswer(answer.expected) else { continue }
      let said = answer.answer.flatMap { TimeAnswer($0) }
      let isOutside = truth.start >= Self.shownSeconds
      if truth.end == nil {
        add(moment: truth, said, isOutside, &errors)
      } else {
        add(span: truth, said, isOutside, &overlap)
      }
    }
    errors.sort()
    if let middle = errors.dropFirst((errors.count - 1) / 2).first,
      let other = errors.dropFirst(errors.count / 2).first
    {
      (moments.meanError, moments.medianError) = (
        errors.reduce(0, +) / Double(errors.count), (middle + other) / 2
      )
    }
    if spans.questions > 0 { spans.meanOverlap = overlap / Double(spans.questions) }
  }

  private mutating func add(
    moment truth: TimeAnswer, _ said: TimeAnswer?, _ isOutside: Bool, _ errors: inout [Double]
  ) {
    moments.questions += 1
    moments.outside += isOutside ? 1 : 0
    guard let said else { return }
    moments.parsed += 1
    let error = abs(said.start - truth.start)
    errors.append(error)
    moments.exact += said.names(secondOf: truth) ? 1 : 0
    for distance in Self.distances where error <= Double(distance) {
      moments.within["\(distance)", default: 0] += 1
    }
  }

  private mutating func add(
    span truth: TimeAnswer, _ said: TimeAnswer?, _ isOutside: Bool, _ overlap: inout Double
  ) {
    spans.questions += 1
    spans.outside += isOutside ? 1 : 0
    guard let said, let end = truth.end else { return }
    spans.parsed += 1
    spans.hits += (truth.start...end).contains(said.start) ? 1 : 0
    let shared = said.overlap(with: truth)
    overlap += shared
    for least in Self.overlaps where shared >= least { spans.recall["\(least)", default: 0] += 1 }
  }
}
