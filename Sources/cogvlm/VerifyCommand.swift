import ArgumentParser
import CogBase
import CogCompute
import CogEngine
import CogNative
import CogReport
import CogVerify

/// `cogvlm verify`: the model against reference bundles.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Compare every layer and the answers with what PyTorch computed.",
    discussion: """
      For each tap two errors are given: accumulated (the engine ran alone from the input) and isolated (that \
      layer was given the reference's input). Leaves with 1 when a reference does not pass.
      """)

  @OptionGroup var options: ModelOptions

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Reference bundles (NAME.f32.safetensors).", valueName: "file"),
    completion: .file(extensions: ["safetensors"]))
  var reference: [String]

  @Option(
    help: ArgumentHelp("Decode this video instead of taking the bundle's frames.", valueName: "file"),
    completion: .file())
  var video: String?

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    guard !reference.isEmpty else { throw ValidationError("Give at least one bundle with --reference.") }
  }

  func run() throws {
    let file = try options.open(comparesChecksums: true)
    let results = try reference.map { try verify($0, file: file) }
    let report = VerificationReport(model: options.model, references: results)
    Terminal.print(json ? try JSONOutput.encode(report) : report.text)
    if !report.passed { throw ExitCode(1) }
  }

  private func verify(_ path: String, file: NativeFile) throws -> ReferenceResult {
    try Mislabeled.refuse(path, expected: "a reference bundle (safetensors)")
    let bundle = try ReferenceBundle(path: path, configuration: file.configuration)
    let engine = try Engine(file: file, mode: options.mode ?? bundle.computeMode)
    let images = try VerificationInputs.images(for: bundle, video: video, configuration: file.configuration)
    let progress = Progress("Verifying \(path)", total: Verifier.progressTotal(file.configuration))
    defer { progress.finish() }
    var verifier = Verifier(engine: engine, bundle: bundle, progress: progress)
    return try verifier.run(images: images)
  }
}
