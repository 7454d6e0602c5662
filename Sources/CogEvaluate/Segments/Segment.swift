package import CogBase
package import CogEngine
package import CogMedia

/// A window of a long video, and what a model says about it.
package struct Segment: Sendable {
  /// Where the window begins and ends in the video.
  package let bounds: ClipBounds
  /// The answer; nil where the window could not be looked at.
  package let answer: Answer?
  /// The frames that the model was shown.
  package let frames: [VideoFrame]
  /// Why there is no answer; nil where there is one.
  package let error: CogError?
  /// The moment or the span that the answer speaks of, in seconds of the whole video; nil where it speaks of
  /// none, or of one that is not in the window.
  package let time: TimeAnswer?

  /// The most seconds of a window: the model is shown a frame a second, and at most so many.
  package static let mostSeconds = FrameSampling.publishedMaximum

  /// A window with its answer.
  ///
  /// - Parameter countsSeconds: whether the frames are a second apart, so that a second in the answer is one
  ///   of the window's; where they are not, none is told.
  package init(_ bounds: ClipBounds, _ answer: Answer, frames: [VideoFrame], countsSeconds: Bool) {
    (self.bounds, self.answer, self.frames, error) = (bounds, answer, frames, nil)
    time = countsSeconds ? TimeAnswer(in: answer.text, within: bounds) : nil
  }

  /// A window that could not be looked at.
  package init(_ bounds: ClipBounds, failed error: CogError) {
    (self.bounds, answer, frames, self.error, time) = (bounds, nil, [], error, nil)
  }
}

extension TimeAnswer {
  /// The time that an answer about a part of a video speaks of, in seconds of the video. A number without
  /// a word for seconds is none here: it may answer how many.
  init?(in text: String, within bounds: ClipBounds) {
    let length = bounds.end - bounds.start
    guard let own = TimeAnswer(text, takesBareNumbers: false), own.start <= length else { return nil }
    self.init(start: bounds.start + own.start, end: own.end.map { bounds.start + min($0, length) })
  }
}
