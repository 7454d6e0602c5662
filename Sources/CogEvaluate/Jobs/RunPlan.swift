/// What is left of a run, for each shard.
package struct RunPlan: Equatable, Sendable {
  /// One shard.
  package struct Row: Equatable, Sendable {
    /// Which.
    package let shard: Shard
    /// Its items, those of them that have a reply or have failed, and those that would be asked.
    package let items: Int
    package let finished: Int
    package let left: Int
    /// Seconds that these would take, by what was measured; nil where nothing was.
    package let seconds: Double?
  }

  /// A row for each shard.
  package let rows: [Row]

  /// Looks at every shard of a list.
  ///
  /// - Parameters:
  ///   - lines: what the parts say; nil where the run has not begun.
  ///   - options: the shard's count says how many there are.
  package init(_ list: RunList, _ lines: RunLines?, options: ShardedRun.Options) {
    let cost = lines.flatMap(RunCost.init)
    let count = options.shard.count
    rows = (0..<count).compactMap { number in
      guard let shard = Shard(number, of: count) else { return nil }
      let items = list.items(about: shard.videos(of: list)).filter {
        options.videos?.contains($0.video) ?? true
      }
      let left = items.filter { item in
        !(lines?.isFinished(item, retriesFailed: options.retriesFailed) ?? false)
      }
      let work = left.prefix(options.limit ?? left.count)
      return Row(
        shard: shard, items: items.count, finished: items.count { lines?.best[$0.key] != nil },
        left: work.count,
        seconds: cost.map { $0.seconds(items: work.count, clips: Set(work.map(\.clip)).count) })
    }
  }
}

/// What items cost, by those that have a reply.
private struct RunCost {
  private let item: Double
  /// For decoding and looking, once for each video or piece of one.
  private let clip: Double

  /// Nil where there is no reply.
  init?(_ lines: RunLines) {
    let times = lines.best.values.filter { $0.status == .ok }.map(\.seconds)
    guard !times.isEmpty else { return nil }
    let clips = times.map(\.video).filter { $0 > 0 }
    clip = clips.isEmpty ? 0 : clips.reduce(0, +) / Double(clips.count)
    item = times.reduce(0) { $0 + max(0, $1.total - $1.video) } / Double(times.count)
  }

  func seconds(items: Int, clips: Int) -> Double { Double(items) * item + Double(clips) * clip }
}
