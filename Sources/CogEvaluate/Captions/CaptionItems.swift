import CogBase
package import CogCompute
package import CogMedia

/// What of a video gets a caption.
package enum CaptionPieces: Equatable, Sendable {
  /// The whole video.
  case whole
  /// Each window of so many seconds.
  case windows(seconds: Int)
  /// Each second: the frame that is closest to it.
  case seconds

  /// As the header of a run has it; nil for whole videos.
  package var name: String? {
    switch self {
    case .whole: nil
    case .windows(let seconds): "windows of \(seconds) s"
    case .seconds: "every second"
    }
  }
}

/// How captions are made, unless a user wants it otherwise: as the published script makes them
/// (`tools/caption/video_caption.py` of CogVideo).
package enum PublishedCaptions {
  /// What the model is asked.
  package static let prompt = "Please describe this video in detail."
  /// The most tokens of a caption; the model's context ends before.
  package static let maximumNewTokens = 2048
}

extension RunList {
  /// The job of such a list.
  package static let captionJob = "captions"
  private static let mostItems = 2_000_000

  /// A caption for every piece of every video. Where pieces are wanted the videos are opened; one that cannot
  /// be has a single item, which says so when it is asked.
  ///
  /// - Parameter open: the video of an entry.
  /// - Throws: what the context's cancellation throws; ``CogError`` when there are too many pieces.
  package init(
    captionsOf videos: VideoList, prompt: String, pieces: CaptionPieces, context: RunContext,
    open: (VideoList.Entry) throws -> VideoInput
  ) throws {
    let progress = context.progress.begin("Opening the videos", total: videos.entries.count)
    defer { progress.finish() }
    var items: [RunItem] = []
    for entry in videos.entries {
      try context.cancellation.check()
      var parts: [ClipBounds?] = [nil]
      if pieces != .whole {
        do {
          parts = try pieces.windows(of: open(entry).open(cancellation: context.cancellation))
        } catch is CogError {}
      }
      guard items.count + parts.count <= Self.mostItems else {
        throw CogError(
          "too many captions", expected: "at most \(Self.mostItems)", advice: "Take fewer videos.")
      }
      items += parts.map { part in
        RunItem(dataset: Self.captionJob, video: entry.name, bounds: part, question: prompt)
      }
      progress.advance(by: 1, entry.name)
    }
    self.init(items)
  }

  /// Makes sure that the list is one of these videos.
  ///
  /// - Parameter file: where the list is.
  /// - Throws: ``CogError`` that says what differs.
  package func require(_ videos: VideoList, file: String) throws {
    let (own, others) = (self.videos, videos.entries.map(\.name))
    guard own != others else { return }
    let difference = Set(others).symmetricDifference(own).sorted().first
    throw CogError(
      "the run was begun with other videos", file: file, subject: difference?.printable,
      expected: "\(own.count) videos",
      found: "\(others.count)\(difference == nil ? " in another order" : "")",
      advice: "Name them as before, or choose another folder for the run.")
  }
}

extension CaptionPieces {
  fileprivate func windows(of source: any FrameSource) throws -> [ClipBounds?] {
    switch self {
    case .whole: [nil]
    case .windows(let seconds): try source.windows(ofSeconds: seconds)
    case .seconds: try source.seconds()
    }
  }
}
