import ArgumentParser
import CogBase
import CogReport
import CogSources
import CogText
import Glibc

/// `cogvlm tokenize`: text to ids and back.
struct TokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize", abstract: "Turn text into token ids, or ids into text.",
    discussion: """
      With --json, reads one JSON string per line from standard input and prints one JSON array of ids per \
      line; with --decode as well, the other way round. An empty line is no JSON, and refused.
      """)

  @Argument(help: "A native model file, or a folder with a tokenizer.json.", completion: .file())
  var model: String

  @Argument(help: "The text; with --decode the ids, separated by white space or commas.")
  var text: String?

  @Flag(help: "Read JSON lines from standard input, print JSON lines.")
  var json = false

  @Flag(help: "Turn ids into text.")
  var decode = false

  func validate() throws {
    guard json != (text != nil) else {
      throw ValidationError("Give the text as an argument, or --json to read lines from standard input.")
    }
  }

  func run() throws {
    guard FileSystem.isThere(model) else {
      throw CogError("no such file or folder", code: .notFound, file: model)
    }
    try text?.requireText("the text")
    let tokenizer = try Input(path: model).tokenizer()
    guard json else {
      let text = text ?? ""
      if decode { return Terminal.print(try tokenizer.decode(ids(text), skipSpecial: false)) }
      return Terminal.print(tokenizer.encode(text).map(String.init).joined(separator: " "))
    }
    var lines = InputLines(
      descriptor: STDIN_FILENO, name: "standard input", wait: Interruption.wait(forInput:))
    var number = 0
    while !Terminal.readerHasGone, let line = try lines.next() {
      number += 1
      Terminal.print(try translate(line, number, tokenizer))
    }
  }

  private func ids(_ text: String) throws -> [Int] {
    try text.split(whereSeparator: { $0.isWhitespace || $0 == "," }).map { word in
      guard let id = Int(word) else {
        throw CogError("not a token id", expected: "a whole number", found: String(word))
      }
      return id
    }
  }

  private func translate(_ line: [UInt8], _ number: Int, _ tokenizer: Tokenizer) throws -> String {
    let place = "line \(number)"
    let value = try naming(file: "standard input") { try JSON.parse(line, what: place) }
    if decode {
      let wrong = value.elements?.first { $0.integer == nil } ?? value
      guard let ids = value.elements?.compactMap(\.integer), ids.count == value.elements?.count else {
        throw CogError(
          "not what was asked for", file: "standard input", subject: place, expected: "a JSON array of ids",
          found: wrong.kind)
      }
      do {
        return try JSONOutput.encodeLine(tokenizer.decode(ids, skipSpecial: false))
      } catch var error as CogError {
        error.subject = [place, error.subject].compactMap(\.self).joined(separator: ", ")
        throw error.inFile("standard input")
      }
    }
    guard let text = value.text else {
      throw CogError(
        "not what was asked for", file: "standard input", subject: place, expected: "a JSON string",
        found: value.kind)
    }
    return try JSONOutput.encodeLine(tokenizer.encode(text))
  }
}
