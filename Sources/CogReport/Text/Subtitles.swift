package import CogBase
package import CogEvaluate

/// Answers about the windows of a video as subtitles: a cue for each window that has one, and no other.
package enum Subtitles: String, CaseIterable, Sendable {
  /// SubRip.
  case srt
  /// WebVTT.
  case vtt

  /// What such files are, for ``OutputPlace``.
  package static let outputKind = OutputKind("subtitles", endings: allCases.map { "." + $0.rawValue })

  /// The form that a name ends in; nil where it is none.
  package init?(path: String) {
    let form = Self.allCases.first { path.lowercased().hasSuffix("." + $0.rawValue) }
    guard let form else { return nil }
    self = form
  }

  /// The whole file. A merged answer has no time of its own: WebVTT has a note of it, SubRip no place.
  package func text(_ segments: [Segment], merged: MergedAnswer?) -> String {
    let cues = segments.compactMap { segment in
      segment.line.map { (bounds: segment.bounds, line: $0) }
    }.filter { !$0.line.isEmpty }
    let blocks = cues.enumerated().map { number, cue in
      let ends = [cue.bounds.start, cue.bounds.end].map { NumberText.timecode($0, mark: mark) }
      return "\(number + 1)\n\(ends[0]) --> \(ends[1])\n\(escaped(cue.line))\n"
    }
    switch self {
    case .srt: return blocks.joined(separator: "\n")
    case .vtt:
      let note = merged.map { ["NOTE \(Self.withoutArrows($0.line))\n"] } ?? []
      return (["WEBVTT\n"] + note + blocks).joined(separator: "\n")
    }
  }

  private var mark: String { self == .srt ? "," : "." }

  private func escaped(_ line: String) -> String {
    guard self == .vtt else { return Self.withoutArrows(line) }
    return line.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }

  /// Readers take a line with an arrow for the times of a cue.
  private static func withoutArrows(_ line: String) -> String { line.replacing("-->", with: "→") }
}
