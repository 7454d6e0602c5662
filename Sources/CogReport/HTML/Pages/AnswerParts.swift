import CogBase
import CogMedia
import CogModel
import CogVerify

/// Pieces that several pages have.
enum AnswerParts {
  /// An answer token by token.
  ///
  /// - Parameter divergences: of each step, in nats; empty where they are not known.
  static func tokens(
    _ steps: [AnswerStep], title: String, logitError: Double, divergences: [Double] = []
  ) -> TokenStrip {
    TokenStrip(
      title: title,
      caption:
        "Each token is chosen after the reference's own ones. The gap is that between the reference's two "
        + "highest logits; a disagreement up to a gap of \(NumberStyle.plain.text(2 * logitError)), "
        + "twice the error of a logit, is excused.",
      tokens: steps.enumerated().map { place, step in
        let state: TokenStrip.Token.State =
          switch step.agreement {
          case .equal: .equal
          case .excused: .excused
          case .mismatch: .mismatch
          }
        return TokenStrip.Token(
          text: step.text, id: step.id, reference: (step.referenceText, step.referenceId), gap: step.gap,
          state: state,
          note: place < divergences.count ? "KL \(NumberStyle.plain.text(divergences[place]))" : nil)
      })
  }

  /// The frames that a model saw, each with its number and time as far as they are known.
  static func frames(_ frames: [VideoFrame], pictures: [[UInt8]], size: Int = 224, of video: String?)
    -> ImageStrip
  {
    let hasTimes = frames.contains { $0.seconds != nil }
    let note = hasTimes ? "" : " The bundle has no times; verified with the video itself they are shown."
    return ImageStrip(
      title: "Frames that the model saw" + (video.map { " of " + $0.lastPathName } ?? ""),
      caption: "Cut and scaled as the vision tower gets them, in this order.\(note)",
      pictures: zip(frames, pictures).enumerated().map { place, pair in
        let (frame, png) = pair
        let number = frame.index.map { "frame \($0)" } ?? "no. \(place + 1)"
        let time = frame.seconds.map { ", \(NumberText.fixed($0, decimals: 2)) s" } ?? ""
        return ImageStrip.Picture(png: png, width: size, height: size, label: number + time)
      })
  }

  /// The limits that were applied, pointed out where they are not the model's own.
  static func tolerance(_ tolerance: Tolerance) -> [any PagePart] {
    let facts = Facts([
      ("tolerance profile", tolerance.profile.rawValue),
      ("limit, isolated, language model", NumberStyle.plain.text(tolerance.isolated)),
      ("limit, isolated, vision", NumberStyle.plain.text(tolerance.isolatedVision)),
      ("limit, accumulated", NumberStyle.plain.text(tolerance.accumulated)),
    ])
    guard tolerance.profile != tolerance.ownProfile || !tolerance.overridden.isEmpty else { return [facts] }
    return [facts, Verdict(.warning, "The limits are not the model's own", details: [tolerance.summary])]
  }

  /// The limits along the taps, as lines of a chart whose first series is accumulated and whose second
  /// isolated.
  static func limits(_ tolerance: Tolerance, at points: [TapPoint]) -> [LineChart.Limit] {
    let isolated = points.map { point -> Double? in tolerance.isolated(point) }
    return [
      .init(name: "limit, accumulated", series: 0, values: points.map { _ in tolerance.accumulated }),
      .init(name: "limit, isolated", series: 1, values: isolated),
    ]
  }
}
