package import CogBase
package import CogCompute
import CogMedia
import Glibc

/// One process's share of a run: asks what is not finished yet, and keeps each reply as soon as it is there.
package struct ShardedRun {
  /// Which items to ask now.
  package struct Options: Sendable {
    /// The part of the run.
    package var shard = Shard.whole
    /// Of its videos only these; nil takes all.
    package var videos: Set<String>?
    /// At most so many items; nil asks all.
    package var limit: Int?
    /// Whether items that have failed are tried again.
    package var retriesFailed = false

    /// The whole run.
    package init() {}
  }

  /// What was there, and what is to do.
  package let folder: RunFolder
  /// The items of this share, finished or not, in the order of the list.
  package let items: [RunItem]
  /// Those that are to be asked now.
  package let work: [RunItem]
  /// What the parts say, with what is added by this process.
  package private(set) var records: [String: RunRecord]
  private let attempts: [String: Int]
  private let options: Options
  /// All items of the shard, selected or not.
  private let shardItems: [RunItem]

  /// Looks what is left to do.
  ///
  /// - Parameter lines: what the folder's parts say.
  package init(_ folder: RunFolder, _ list: RunList, _ lines: RunLines, options: Options) {
    (self.folder, self.options) = (folder, options)
    let all = list.items(about: options.shard.videos(of: list))
    let items = options.videos.map { videos in all.filter { videos.contains($0.video) } } ?? all
    let left = items.filter { !lines.isFinished($0, retriesFailed: options.retriesFailed) }
    work = Array(left.prefix(options.limit ?? left.count))
    let keys = Set(items.map(\.key))
    // Results stand in the order of the list, whatever order they are asked in.
    self.items = list.items.filter { keys.contains($0.key) }
    (shardItems, records, attempts) = (all, lines.best, lines.attempts)
  }

  /// Items of the share that have neither a reply nor failed.
  package var missing: Int { items.count { records[$0.key] == nil } }
  /// Items of the share that have failed.
  package var failed: Int { items.count { records[$0.key]?.status == .failed } }

  /// Asks what is to be asked. What fails is noted, and the others are asked.
  ///
  /// - Parameters:
  ///   - deadline: ends items that take too long; the cancellation of the context, where there is one.
  ///   - videoPath: where an item's video is, so that one that is lost stops the run; nil where none is.
  ///   - open: makes of an item's video, or its part of it, what its items are asked about.
  ///   - ask: asks the model.
  ///   - tell: is told of each item that failed.
  /// - Throws: `CogError` when a reply cannot be kept (a full disk), or a video is lost (``VideoWatch``);
  ///   what else `open` and `ask` throw; what the context's cancellation throws. What was finished until
  ///   then is kept.
  package mutating func run<Video>(
    context: RunContext, deadline: ItemDeadline? = nil, videoPath: ((RunItem) -> String)? = nil,
    open: (RunItem) throws -> Video, ask: (RunItem, Video) throws -> RunReply,
    failed tell: (RunItem, CogError) -> Void = { _, _ in }
  ) throws {
    guard !work.isEmpty else { return try markIfDone() }
    let watch = videoPath.map { VideoWatch(work, path: $0) }
    do {
      try askAll(
        context, deadline,
        open: { item in
          do { return try open(item) } catch let error as CogError {
            try watch?.requireOwn(error, of: item)
            throw error
          }
        }, ask: ask, failed: tell)
    } catch let lost as VideoWatch.Lost {
      throw lost.error
    }
    try markIfDone()
  }

  private mutating func askAll<Video>(
    _ context: RunContext, _ deadline: ItemDeadline?, open: (RunItem) throws -> Video,
    ask: (RunItem, Video) throws -> RunReply, failed tell: (RunItem, CogError) -> Void
  ) throws {
    let part = try RunPart(folder, options.shard)
    let clock = ItemClock()
    clock.begin()
    try VideoLoop.run(work, context: context) {
      $0.clip
    } open: { item in
      deadline?.begin()
      defer { clock.opened() }
      return try open(item)
    } ask: { item, video in
      deadline?.begin()
      return try ask(item, video)
    } finish: { item, reply in
      deadline?.finish()
      let record = record(of: item, reply, clock.finish(reply), kernels: context.kernels.name)
      try part.append(record)
      records[item.key] = record
      if case .failure(let error) = reply { tell(item, error) }
    }
  }

  private func record(
    of item: RunItem, _ reply: Result<RunReply, CogError>, _ seconds: RunRecord.Seconds, kernels: String
  ) -> RunRecord {
    let made = try? reply.get()
    var error: String?
    if case .failure(let problem) = reply { error = problem.description }
    return RunRecord(
      key: item.key, status: made == nil ? .failed : .ok, reply: made?.text, ids: made?.ids ?? [],
      frames: made?.frames.compactMap(\.seconds) ?? [], damagedFrames: made?.frames.damaged, error: error,
      attempt: (attempts[item.key] ?? 0) + 1, seconds: seconds, finished: ItemClock.now, tool: Version.tool,
      kernels: kernels, run: folder.header.identity)
  }

  private func markIfDone() throws {
    guard shardItems.allSatisfy({ records[$0.key] != nil }) else { return }
    try folder.mark(
      options.shard, items: shardItems.count,
      failed: shardItems.count { records[$0.key]?.status == .failed })
  }
}

/// How long items take.
private final class ItemClock {
  private var start = ContinuousClock.now
  private var videoSeconds = 0.0

  /// Seconds since 1970.
  static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec / 1_000_000) / 1000
  }

  /// The first item begins.
  func begin() { start = ContinuousClock.now }

  /// The item's video is open, or is none.
  func opened() { videoSeconds = (ContinuousClock.now - start).seconds }

  /// An item is finished, and the next one begins.
  func finish(_ reply: Result<RunReply, CogError>) -> RunRecord.Seconds {
    let now = ContinuousClock.now
    let made = try? reply.get()
    let seconds = RunRecord.Seconds(
      video: Self.rounded(videoSeconds), prompt: Self.rounded(made?.promptSeconds ?? 0),
      reply: Self.rounded(made?.replySeconds ?? 0), total: Self.rounded((now - start).seconds))
    (start, videoSeconds) = (now, 0)
    return seconds
  }

  /// Whole milliseconds.
  private static func rounded(_ seconds: Double) -> Double { (seconds * 1000).rounded() / 1000 }
}
