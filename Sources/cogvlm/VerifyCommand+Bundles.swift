import ArgumentParser
import CogBase
import CogCompute
import CogEngine
import CogNative
import CogReport
import CogSources
import CogVerify

extension VerifyCommand {
  /// Compares with every bundle, prints and writes the report.
  ///
  /// - Throws: ``CogError`` when a bundle cannot be opened, or none could be compared with; `ExitCode` 1 when
  ///   a reference did not pass, 3 when one could not be compared with; ``Interruption/Interrupted`` after
  ///   what was compared until then was printed.
  func compareBundles(_ file: NativeFile, to output: ReportOutput, _ context: RunContext) throws {
    // All of them before the first one is run, which may take an hour.
    let bundles = try reference.map { path in
      try ReferenceBundle(Input(path: path).bundle(), configuration: file.configuration)
    }
    var inputs = VerificationInputs(
      file: file, mode: options.mode, video: try videoOptions.input(frameOptions),
      sampling: frameOptions.frames, context: context)
    var pictures: [[[UInt8]]] = []
    var results: [ReferenceResult] = []
    var failed: [VerificationReport.Failure] = []
    var firstError: (any Error)?
    var interrupt: Interruption.Interrupted?
    for bundle in bundles where interrupt == nil {
      do {
        let (result, video) = try compare(bundle, &inputs, context)
        if output.wantsPage { pictures.append(try video?.pictures() ?? []) }
        results.append(result)
      } catch let error as Interruption.Interrupted {
        interrupt = error
      } catch let error as CogError {
        let named = error.inFile(bundle.path)
        firstError = firstError ?? named
        failed.append(VerificationReport.Failure(file: bundle.path, error: named.description))
      }
    }
    if results.isEmpty, let error = interrupt ?? firstError { throw error }
    for failure in failed { Terminal.note("warning: not compared: \(failure.error)") }
    let report = VerificationReport(model: options.model, file: file, references: results, failed: failed)
    try output.write {
      try VerificationPage.page(report, pictures: pictures)
    } text: {
      try json ? JSONOutput.encode(report) : report.text
    }
    try finish(interrupt, passed: report.comparedPassed, isComplete: report.failed.isEmpty)
  }

  private func compare(
    _ bundle: ReferenceBundle, _ inputs: inout VerificationInputs, _ context: RunContext
  ) throws -> (ReferenceResult, PreparedVideo?) {
    let engine = try inputs.engine(for: bundle)
    let video = try inputs.frames(of: bundle)
    Terminal.noteDamage(in: videoOptions.video ?? "", video?.frames ?? [])
    let progress = context.progress.begin(
      "Verifying \(bundle.path)", total: Verifier.progressTotal(engine.configuration))
    defer { progress.finish() }
    var verifier = Verifier(
      engine: engine, bundle: bundle, tolerance: limits.tolerance(own: Verifier.profile(engine, bundle)),
      progress: progress)
    return (try verifier.run(video: video), video)
  }
}
