import ArgumentParser
import CogBase
import CogEvaluate

/// Which kind of list the questions are, and the words around them.
struct BenchmarkOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "With --run: what the questions are, such as mvbench: its folder with json, or its test.json.",
      valueName: "name"))
  var benchmark = Benchmark.questions

  @Option(
    help: ArgumentHelp(
      "With --run: the words around each question: a name, or a JSON file. By default plain, or the "
        + "benchmark's.", valueName: "name"))
  var promptProfile: String?

  func validate() throws {
    guard let promptProfile, !Self.isPath(promptProfile) else { return }
    guard try PromptProfile(named: promptProfile) != nil else {
      let names = PromptProfile.names.joined(separator: ", ")
      throw ValidationError("--prompt-profile takes \(names), or a JSON file, got: \(promptProfile)")
    }
  }

  /// Whether a profile is meant that lies in a file.
  private static func isPath(_ name: String) -> Bool { name.hasSuffix(".json") || name.contains("/") }

  /// Whether questions are a file of the toolkit's own, asked as they stand.
  var isPlain: Bool { benchmark.name == Benchmark.questions.name && promptProfile == nil }

  /// The questions that a user named.
  ///
  /// - Throws: ``CogError`` that names what is wrong with them.
  func questions(_ path: String, videoFolder: String?) throws -> BenchmarkQuestions {
    guard benchmark.name != Benchmark.questions.name else {
      return BenchmarkQuestions(try QuestionSet.opened(path, videoFolder: videoFolder), file: path)
    }
    return try benchmark.open(path, videoFolder)
  }

  /// The words around the questions of a list.
  ///
  /// - Throws: ``CogError`` when the profile cannot be read, or does not fit a question.
  func profile(for list: RunList) throws -> PromptProfile {
    let name = promptProfile ?? benchmark.profile
    let profile = try PromptProfile(named: name) ?? PromptProfile(path: name)
    for item in list.items { _ = try profile.prompt(for: item) }
    return profile
  }
}

extension Benchmark: ExpressibleByArgument {
  /// The benchmark of that name; nil when there is none.
  package init?(argument: String) { self.init(named: argument) }

  /// The names of the benchmarks.
  package static var allValueStrings: [String] { all.map(\.name) }

  /// The name.
  package var defaultValueDescription: String { name }
}
