package import CogEvaluate

extension Segment {
  /// The answer in one line, and the time that it speaks of as one of the whole video; nil where there is no
  /// answer.
  var line: String? {
    guard let answer else { return nil }
    let ends = time.map { [$0.start] + ($0.end.map { [$0] } ?? []) } ?? []
    let place = ends.isEmpty ? "" : " [\(ends.map(NumberText.clock).joined(separator: " to "))]"
    return CaptionText(answer.text).line + place
  }

  /// The window and the answer, as a line of a list.
  package var text: String {
    "\(NumberText.clock(bounds.start)) to \(NumberText.clock(bounds.end))  \(line ?? "(failed)")"
  }
}

extension MergedAnswer {
  /// The answer in one line, marked as what it is.
  package var line: String {
    "Merged from \(answers) answers by the model, approximate: \(CaptionText(text).line)"
  }
}
