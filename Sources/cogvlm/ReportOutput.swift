import ArgumentParser
import CogBase
import CogReport
import CogSources

/// Where a report goes: its page to a file, or to standard output in place of the text (`--html -`).
struct ReportOutput {
  private let path: String?
  private let isStandardOutput: Bool

  /// Finds out before long work whether the page can be written.
  ///
  /// - Parameters:
  ///   - html: where the page goes; nil makes none.
  ///   - inputs: what is read.
  /// - Throws: ``CogError`` when the folder is missing or cannot be written, or the page would take the place
  ///   of one of `inputs`, of a device or of a pipe.
  init(html: String?, besides inputs: [String]) throws {
    path = html
    isStandardOutput = html.map { OutputPlace($0).isStandardOutput } ?? false
    guard let html, !isStandardOutput else { return }
    // Removed with the object; what stands under the name stays.
    _ = try AtomicFile(path: html, kind: Page.outputKind, besides: inputs)
  }

  /// Whether a page is asked for.
  var wantsPage: Bool { path != nil }

  /// Writes the page, if one is asked for, and prints the text, unless the page takes its place.
  func write(page: () throws -> Page, text: () throws -> String) throws {
    if isStandardOutput { return Terminal.print(try page().html(), terminator: "") }
    if let path { try page().write(to: path) }
    Terminal.print(try text())
  }

  /// - Throws: `ValidationError` when page and another document would both go to standard output.
  static func validate(html: String?, json: Bool, csv: Bool = false) throws {
    guard let html, json || csv, OutputPlace(html).isStandardOutput else { return }
    throw ValidationError(
      "--html \(html) prints the page in place of the text: it does not go with \(json ? "--json" : "--csv")."
    )
  }
}

extension Input {
  /// What an output may not take the place of when a path is read: what stands there, and the folder of a
  /// checkpoint's file, whose configuration is read too.
  static func places(of path: String) -> [String] {
    guard let input = try? Input(path: path), !input.isNative else { return [path] }
    return [path, input.place.kind == nil ? input.path : path.folderOfPath]
  }
}
