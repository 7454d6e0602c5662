import ArgumentParser
import CogBase
import CogEngine
import CogEvaluate
import CogMedia
import CogReport

/// `cogvlm score`: how many replies of a run are right, under a rule of one's choice.
struct ScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score", abstract: "Count the right replies of a run under one of the field's rules.",
    discussion: "Two runs over the same questions are compared: what only one of them has right.")

  @Argument(
    help: ArgumentHelp("The folder of a run, or its merged results; or two of them.", valueName: "run"),
    completion: .file())
  var runs: [String]

  @Option(
    help: """
      When a reply is right: plain, pllava, official, vlmevalkit, lmms, strict, words or seconds. By default \
      that of the benchmark: plain, for MVBench pllava.
      """)
  var rule: ScoringRule?

  @Option(
    help: ArgumentHelp(
      "Also write what others' evaluation code reads: pllava, videochatgpt or vlmevalkit.", valueName: "form")
  )
  var export: ExportForm?

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The folder for --export.", valueName: "folder"),
    completion: .directory)
  var output: String?

  @Flag(help: "With --export: write over files with another content that have the same names.")
  var force = false

  @Option(
    help: ArgumentHelp(
      "Write the report as an HTML page too; - prints it instead of the text.", valueName: "file"),
    completion: .file(extensions: ["html"]))
  var html: String?

  @Option(
    help: ArgumentHelp(
      "With --html: the folder of the videos, for frames of wrong answers.", valueName: "folder"),
    completion: .directory)
  var videos: String?

  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    try ReportOutput.validate(html: html, json: json)
    guard videos == nil || html != nil else { throw ValidationError("--videos goes with --html.") }
    guard html == nil || runs.count == 1 else { throw ValidationError("--html takes one run.") }
    guard (1...2).contains(runs.count) else { throw ValidationError("One or two runs are scored.") }
    guard (export == nil) == (output == nil) else {
      throw ValidationError("--export and --output go together.")
    }
    guard export != nil || !force else { throw ValidationError("--force goes with --export FORM.") }
    guard export == nil || runs.count == 1 else { throw ValidationError("--export takes one run.") }
  }

  func run() throws {
    let read = try runs.map { try RunResults(path: $0, cancellation: SignalCancellation()) }
    for line in read.flatMap(\.damaged) {
      Terminal.note("warning: \(line): damaged, it is left out".printable)
    }
    if read.count == 2 { return try compare(read[0], read[1]) }
    let output = try ReportOutput(html: html, besides: read[0].files)
    let report = try ScoreReport(read[0], rule: rule)
    if let export, let folder = self.output {
      let paths = try export.files(of: read[0]).write(
        to: folder, besides: read[0].files, force: force, cancellation: SignalCancellation())
      if read[0].missing == nil {
        Terminal.note("warning: \(runs[0]): whether all questions were asked is not known".printable)
      }
      for path in paths { Terminal.note("note: written: \(path)".printable) }
    }
    let clips = try videos.map { try self.clips(of: report, read[0], in: ClipFolder(anywhereIn: $0)) } ?? []
    try output.write {
      try ScorePage.page(report, path: runs[0], clips: clips)
    } text: {
      json ? try JSONOutput.encode(report) : report.text
    }
    guard report.missing ?? 0 == 0, report.total.failed == 0 else { throw ExitCode(3) }
  }

  /// Frames of the first wrong answers, by the rule of the run, within their bounds; clips that cannot be
  /// shown are left out.
  private func clips(
    of report: ScoreReport, _ run: RunResults, in folder: ClipFolder
  ) throws -> [ScorePage.Clip] {
    guard let rule = run.frames else {
      Terminal.note("note: no frames of clips: \(run.path) does not say which the model was shown".printable)
      return []
    }
    let sampling = try FrameSampling(named: rule)
    var clips: [ScorePage.Clip] = []
    for (place, answer) in report.result.answers.enumerated() where !answer.correct && answer.status == .ok {
      guard clips.count < ScorePage.mostClips else { break }
      try SignalCancellation().check()
      let item = run.results[place].item
      let video = folder.input(of: item) {
        VideoInput(path: $0, imagesPerSecond: $1, toleratesDamage: true)
      }
      do {
        let prepared = try PreparedVideo(
          video, sampling: sampling, size: Self.pictureSize, cancellation: SignalCancellation())
        clips.append(try Self.clip(place, prepared))
      } catch let error as CogError {
        Terminal.note("note: no frames of \(item.clip): \(error)".printable)
      }
    }
    return clips
  }

  /// Rows and columns of a frame on the page.
  private static let pictureSize = 112
  /// Frames of a clip on the page.
  private static let mostPictures = 8

  private static func clip(_ place: Int, _ video: PreparedVideo) throws -> ScorePage.Clip {
    let step = max(1, (video.frames.count + mostPictures - 1) / mostPictures)
    let pictures = try video.pictures()
    return ScorePage.Clip(
      place: place,
      pictures: stride(from: 0, to: pictures.count, by: step).map { number in
        let seconds = video.frames[number].seconds ?? 0
        return ImageStrip.Picture(
          png: pictures[number], width: video.size, height: video.size,
          label: "\((seconds * 100).rounded() / 100) s")
      })
  }

  private func compare(_ first: RunResults, _ second: RunResults) throws {
    let report = try PairedScores(first, second, rule: rule)
    Terminal.print(json ? try JSONOutput.encode(report) : report.text)
    let answers = first.results + second.results
    guard first.missing ?? 0 == 0, second.missing ?? 0 == 0, answers.allSatisfy({ $0.status == .ok }) else {
      throw ExitCode(3)
    }
  }
}

extension ScoringRule: ExpressibleByArgument {
  /// The rule of that name; nil when there is none.
  package init?(argument: String) { self.init(named: argument) }

  /// The names of the rules.
  package static var allValueStrings: [String] { all.map(\.name) }
}

extension ExportForm: ExpressibleByArgument {
  /// The form of that name; nil when there is none.
  package init?(argument: String) { self.init(named: argument) }

  /// The names of the forms.
  package static var allValueStrings: [String] { all.map(\.name) }
}
