import CogBase
import CogEngine
import CogMedia
import CogReport

extension AskCommand {
  private static let help = "/video PATH takes a video, /new begins anew, /quit ends.\n"

  /// Answers questions that are typed, each of which is told of the earlier ones.
  ///
  /// - Throws: ``CogError`` for the video of the command line; an interrupt.
  func converse(_ engine: Engine, _ options: AnswerOptions) throws {
    let cache = try cacheOptions.open()
    let features = try videoOptions.input(frameOptions).map {
      try look(at: $0, engine, cache: cache).features
    }
    var conversation = Conversation(engine, about: features, template: template, history: try history())
    Terminal.print(Self.help, terminator: "")
    let reader = LineReader(prompt: "> ")
    while let line = try reader.next()?.trimmingWhitespace() {
      do {
        switch TypedLine(line) {
        case .nothing: break
        case .quit: return
        case .new: conversation.forget()
        case .video(let path):
          // One rate serves all folders, and files have their own.
          let isFolder = FileSystem.status(of: path)?.isFolder == true
          let video = try VideoInput.checked(
            path, imagesPerSecond: isFolder ? videoOptions.fps : nil,
            toleratesDamage: frameOptions.tolerateDamage)
          let features = try look(at: video, engine, cache: cache).features
          conversation = Conversation(engine, about: features, template: template)
          Terminal.print("\(features.frameCount) frames of \(path)".printable)
        case .unknown: Terminal.print(Self.help, terminator: "")
        case .question(let question): try answer(question, &conversation, options)
        }
      } catch let error as CogError {
        Terminal.note("error: \(error)")
      }
    }
    Terminal.print("")
  }

  private func answer(_ question: String, _ conversation: inout Conversation, _ options: AnswerOptions) throws
  {
    try question.requireText("the question")
    do { _ = try conversation.prompt(question) } catch var error as CogError {
      if !conversation.history.isEmpty { error.advice = "Begin anew with /new, or ask a shorter question." }
      throw error
    }
    var printer = AnswerPrinter()
    defer { Terminal.print("") }
    _ = try conversation.ask(question, options: options) { try printer.print($0) }
  }
}

/// What somebody has typed.
private enum TypedLine {
  case nothing, quit, new, unknown
  case video(String)
  case question(String)

  init(_ line: String) {
    guard line.first == "/" else {
      self = line.isEmpty ? .nothing : .question(line)
      return
    }
    let words = line.split(separator: " ", maxSplits: 1)
    let rest = words.count > 1 ? String(words[1]).trimmingWhitespace() : ""
    switch (words[0], rest.isEmpty) {
    case ("/quit", true): self = .quit
    case ("/new", true): self = .new
    case ("/video", false): self = .video(rest)
    default: self = .unknown
    }
  }
}
