import ArgumentParser
import CogBase
import CogCompute
import CogEvaluate
import CogReport

extension RunFolderOptions {
  /// Ends items that take longer than `--timeout`; nil without it.
  func deadline() -> ItemDeadline? {
    timeout.map { ItemDeadline(seconds: $0, besides: SignalCancellation()) }
  }

  /// Does this process's share of a run, whatever is asked, and tells what is left of it.
  ///
  /// - Parameters:
  ///   - path: the run's folder.
  ///   - inputs: what is read, which is never written into.
  ///   - options: which items to ask now.
  ///   - noun: what items are called.
  ///   - prepare: looks, before the run is begun, whether it can be.
  ///   - ask: asks the share's items, of which there is one at least, and tells each that failed.
  /// - Returns: the share as it is now; nil where only its plan was wanted, and printed.
  /// - Throws: `ExitCode` 75 when a signal but Ctrl-C has ended it; what `prepare` and `ask` throw.
  func work(
    in path: String, _ header: RunHeader, _ list: RunList, besides inputs: [String],
    _ options: ShardedRun.Options, noun: String, prepare: () throws -> Void,
    ask: (inout ShardedRun, @escaping (RunItem, CogError) -> Void) throws -> Void
  ) throws -> ShardedRun? {
    if plan {
      let lines = try RunFolder.begun(at: path, header, besides: inputs).map { try RunLines($0) }
      Terminal.print(RunPlan(list, lines, options: options).text)
      return nil
    }
    try prepare()
    let folder = try RunFolder(path: path, header, list, besides: inputs)
    let lines = try RunLines(folder)
    for line in lines.damaged { Terminal.note("warning: \(line): damaged, it is left out".printable) }
    var share = ShardedRun(folder, list, lines, options: options)
    do {
      let failures = FailureNotes()
      defer { failures.tell() }
      if !share.work.isEmpty { try ask(&share) { failures.add($0, $1) } }
    } catch let interrupt as Interruption.Interrupted {
      let rest = rest(of: share, options.shard, noun)
      if interrupt.isFromKeyboard { throw StoppedWork(cause: interrupt, note: rest) }
      Terminal.note("\(interrupt)")
      Terminal.note(rest)
      // For schedulers: try again later.
      throw ExitCode(75)
    } catch let error as CogError {
      throw StoppedWork(cause: error, note: rest(of: share, options.shard, noun))
    }
    return share
  }

  /// Tells what is left of a share after its result was printed.
  ///
  /// - Throws: `ExitCode` 3 when some of it is left or has failed.
  func finish(_ share: ShardedRun, _ shard: Shard, noun: String) throws {
    guard share.missing > 0 || share.failed > 0 else { return }
    Terminal.note(rest(of: share, shard, noun))
    throw ExitCode(3)
  }

  private func rest(of share: ShardedRun, _ shard: Shard, _ noun: String) -> String {
    let left = "\(share.missing) left, \(share.failed) failed"
    let retries = share.missing == 0 && share.failed > 0
    return "note: shard \(shard), \(share.items.count) \(noun): \(left); to go on: "
      + Arguments.asGiven(adding: retries ? "--retry-failed" : nil)
  }
}

/// Why items failed, told when no progress is drawn any more.
private final class FailureNotes {
  private var failures: [(video: String, error: String)] = []

  func add(_ item: RunItem, _ error: CogError) {
    // All items of a video that does not open fail for one reason.
    let failure = (item.video, error.description)
    if failures.last.map({ $0 != failure }) ?? true { failures.append(failure) }
  }

  func tell() {
    for (_, error) in failures { Terminal.note("warning: failed: \(error)") }
  }
}
