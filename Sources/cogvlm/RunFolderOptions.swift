import ArgumentParser
import CogBase
import CogEvaluate
import Foundation

/// Where a long run is kept, and which part of it this process does.
struct RunFolderOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Keep each answer in this folder as soon as it is there; the same command goes on.",
      valueName: "folder"),
    completion: .directory)
  var run: String?

  @Option(
    help: ArgumentHelp(
      "Only this part of the run, from 0/N; auto takes it from a Slurm array that begins at 0, auto/N its "
        + "number from Slurm, HyperQueue, GNU parallel and others.", valueName: "i/n"),
    transform: ShardChoice.init(argument:))
  var shard: ShardChoice = .given(.whole)

  @Option(help: "Do at most so many questions or captions now.")
  var limit: Int?

  @Flag(help: "Try again what has failed.")
  var retryFailed = false

  @Option(help: ArgumentHelp("A question or caption that takes longer fails.", valueName: "seconds"))
  var timeout: Double?

  @Flag(help: "Only show how many questions or captions each shard has, and how long they would take.")
  var plan = false

  func validate() throws {
    guard limit.map({ $0 > 0 }) ?? true else { throw ValidationError("--limit must be above 0.") }
    guard timeout.map({ $0 > 0 && $0 < 1e9 }) ?? true else {
      throw ValidationError("--timeout must be above 0.")
    }
    guard run == nil else { return }
    guard shard == .given(.whole), limit == nil, !retryFailed, timeout == nil, !plan else {
      throw ValidationError("--shard, --limit, --retry-failed, --timeout and --plan go with --run FOLDER.")
    }
  }

  /// Which items to ask now, with the shard that the environment names.
  ///
  /// - Parameter videos: of these; nil takes all.
  /// - Throws: ``CogError`` when the environment does not say which shard this is.
  func options(videos: Set<String>?) throws -> ShardedRun.Options {
    var options = ShardedRun.Options()
    options.shard = try shard.resolved(ProcessInfo.processInfo.environment)
    (options.videos, options.limit, options.retriesFailed) = (videos, limit, retryFailed)
    return options
  }
}

/// Which part of a run is meant.
enum ShardChoice: Equatable, Sendable {
  /// The part itself.
  case given(Shard)
  /// The task of the scheduler's array.
  case ofArray
  /// The number of the scheduler's task, of so many.
  case ofTask(count: Int)

  /// What `--shard` takes.
  ///
  /// - Throws: `ValidationError` for anything else.
  init(argument: String) throws {
    if argument == "auto" {
      self = .ofArray
    } else if argument.hasPrefix("auto/"), let last = Shard("0/" + argument.dropFirst("auto/".count)) {
      self = .ofTask(count: last.count)
    } else if let shard = Shard(argument) {
      self = .given(shard)
    } else {
      throw ValidationError("--shard takes a part such as 0/4 or 3/4, auto, or auto/4, got: \(argument)")
    }
  }

  /// Variables with the number of a task, the innermost scheduler's first, and their first number.
  private static let numbers = [
    ("HQ_TASK_ID", 0), ("PARALLEL_SEQ", 1), ("JOB_COMPLETION_INDEX", 0), ("_CONDOR_PROCNO", 0),
    (arrayNumber, 0),
  ]
  private static let arrayNumber = "SLURM_ARRAY_TASK_ID"

  /// The part that is meant.
  ///
  /// - Throws: ``CogError`` when the environment does not say it.
  func resolved(_ environment: [String: String]) throws -> Shard {
    switch self {
    case .given(let shard): return shard
    case .ofArray: return try Self.ofArray(environment)
    case .ofTask(let count):
      guard let (name, first) = Self.numbers.first(where: { environment[$0.0] != nil }) else {
        throw CogError(
          "no scheduler has said which task this is", subject: "--shard auto/\(count)",
          expected: Self.numbers.map(\.0).joined(separator: ", "), found: "none of them",
          advice: "Give the shard itself, such as --shard 0/\(count).")
      }
      let number = try Self.number(name, environment)
      guard let shard = Shard(number - first, of: count) else {
        throw CogError(
          "the task is none of the shards", subject: name, expected: "\(first) to \(count - 1 + first)",
          found: "\(number)", advice: "Number the tasks so, or give more shards.")
      }
      return shard
    }
  }

  private static func ofArray(_ environment: [String: String]) throws -> Shard {
    func value(_ name: String) throws -> Int { try number("SLURM_ARRAY_TASK_\(name)", environment) }
    let step = environment["SLURM_ARRAY_TASK_STEP"] == nil ? 1 : try value("STEP")
    let (id, first, last, count) = try (value("ID"), value("MIN"), value("MAX"), value("COUNT"))
    let isWhole =
      step > 0 && first == 0 && last >= 0 && count > 0 && last / step + 1 == count && id % step == 0
    if isWhole, let shard = Shard(id / step, of: count) { return shard }
    // Tasks of a larger array that are submitted once more look like one of their own.
    throw CogError(
      "the array does not say how many shards there are", subject: "--shard auto",
      expected: "an array from 0 without gaps, such as 0-3",
      found: "\(count) tasks from \(first) to \(last)",
      advice: "Give their count, such as --shard auto/\(Swift.max(last, 0) + 1).")
  }

  private static func number(_ name: String, _ environment: [String: String]) throws -> Int {
    guard let text = environment[name] else {
      throw CogError(
        "no Slurm array has said which task this is", subject: name, expected: "a number", found: "nothing",
        advice: "Give the shard itself, such as --shard 0/4, or auto/4 under another scheduler.")
    }
    // Numbers of tasks are small; sums of them must not overflow.
    guard let number = Int(text), (0...Int(Int32.max)).contains(number) else {
      throw CogError("the variable has no number of a task", subject: name, expected: "a number", found: text)
    }
    return number
  }
}
