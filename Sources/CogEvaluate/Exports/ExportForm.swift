import CogBase

/// A form in which the evaluation code of others reads replies.
package struct ExportForm: Sendable {
  /// What the command line calls it.
  package let name: String
  /// Names of the benchmarks that the form is for.
  package let benchmarks: [String]
  private let make: @Sendable (RunResults) throws -> [ExportFile]

  init(
    name: String, benchmarks: [String], make: @escaping @Sendable (RunResults) throws -> [ExportFile]
  ) {
    (self.name, self.benchmarks, self.make) = (name, benchmarks, make)
  }

  /// All of them.
  package static let all: [ExportForm] = [.pllava, .videoChatGPT, .vlmEvalKit]

  /// The form of a name; nil where there is none.
  package init?(named name: String) {
    guard let form = Self.all.first(where: { $0.name == name }) else { return nil }
    self = form
  }

  /// The files of a run.
  ///
  /// - Throws: `CogError` when the form is not for the run's benchmark, or the run is not complete.
  package func files(of run: RunResults) throws -> [ExportFile] {
    let benchmark = run.benchmark.name
    guard benchmarks.contains(benchmark) else {
      throw CogError(
        "the form is not for this benchmark", file: run.path, subject: "--export \(name)",
        expected: benchmarks.joined(separator: ", "), found: benchmark)
    }
    // A judge counts what it is given: what is missing would count as nothing.
    guard run.missing ?? 0 == 0 else {
      throw CogError(
        "the run is not complete", file: run.path, expected: "a reply or a failure for each question",
        found: "\(run.missing ?? 0) that are missing", advice: "Go on with the run first.")
    }
    return try make(run)
  }

  /// A value as an indented JSON document with its keys sorted.
  static func document(_ value: some Encodable) throws -> String {
    try RunLine.encode(value, pretty: true) + "\n"
  }
}
