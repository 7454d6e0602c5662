package import CogBase

/// A form in which the evaluation code of others reads replies.
package struct ExportForm: Sendable {
  /// A file of an export.
  package struct File: Equatable, Sendable {
    /// Its name in the folder.
    package let name: String
    /// Its text.
    package let text: String
  }

  /// What the command line calls it.
  package let name: String
  /// Names of the benchmarks that the form is for.
  package let benchmarks: [String]
  private let make: @Sendable (RunResults) throws -> [File]

  init(
    name: String, benchmarks: [String], make: @escaping @Sendable (RunResults) throws -> [File]
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

  /// A folder that an export is written into, as an output.
  package static let outputKind = OutputKind(folder: "an export")

  /// Writes the files of a run into a folder, which is made where it is not there.
  ///
  /// - Returns: the paths of the files.
  /// - Throws: `CogError` when the form is not for the run's benchmark, the run is not complete, or a file
  ///   cannot be written.
  package func write(_ run: RunResults, to folder: String) throws -> [String] {
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
    let files = try make(run)
    let inputs = run.files
    try OutputPlace(folder).require(Self.outputKind, besides: inputs)
    try FileSystem.requireFolder(folder)
    return try files.map { file in
      let path = folder.appendingPath(file.name)
      let output = try AtomicFile(
        path: path, kind: OutputKind("an export", endings: [".json", ".tsv", "_pred"]), besides: inputs)
      try output.write(Array(file.text.utf8))
      try output.commit()
      return path
    }
  }

  /// A value as an indented JSON document with its keys sorted.
  static func document(_ value: some Encodable) throws -> String {
    try RunLine.encode(value, pretty: true) + "\n"
  }
}
