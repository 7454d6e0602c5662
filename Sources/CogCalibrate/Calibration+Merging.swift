import CogBase

extension Calibration {
  /// Adds files of the same model and the same settings and writes the sum.
  ///
  /// - Parameters:
  ///   - paths: two at least.
  ///   - tool: name and version of the program.
  /// - Throws: `CogError` when one cannot be read, two differ in the model or the settings or have a set in
  ///   common, or the output cannot be written there.
  package static func merge(_ paths: [String], to output: String, tool: String) throws -> CalibrationSummary {
    let start = ContinuousClock.now
    var sum: Calibration?
    for path in paths {
      let next = try Calibration(path: path)
      sum = try sum.map { try $0.adding(next, at: path, to: paths[0], tool: tool) } ?? next
    }
    guard let sum else { throw CogError("there is nothing to merge", expected: "two calibration files") }
    let bytes = try sum.encoded()
    let file = try AtomicFile(path: output, kind: outputKind, besides: paths)
    try file.write(bytes)
    try file.commit()
    return CalibrationSummary(
      sum, output: output, bytes: bytes.count, seconds: (ContinuousClock.now - start).seconds)
  }

  /// The sum of two, as one run over the videos of both would have given it but for the rounding of its sums.
  private func adding(_ other: Calibration, at path: String, to first: String, tool: String) throws
    -> Calibration
  {
    let (old, new) = (fields, other.fields)
    let pairs = [
      ("model.digest", old.model.digest, new.model.digest),
      ("settings.mode", old.settings.mode, new.settings.mode),
      ("settings.template", old.settings.template, new.settings.template),
      ("settings.frames", old.settings.frames, new.settings.frames),
      (
        "settings.toleratesDamage", "\(old.settings.toleratesDamage)", "\(new.settings.toleratesDamage)"
      ),
    ]
    if let (field, expected, found) = pairs.first(where: { $0.1 != $0.2 }) {
      throw CogError(
        "the calibrations are not of the same model and settings",
        code: field == "model.digest" ? .wrongModel : .invalid, file: path, subject: field,
        expected: "\(expected), as in \(first)", found: found,
        advice: "Merge files of one model that were made with the same options.")
    }
    let known = Set(old.sets.map(\.digest))
    if let twice = new.sets.first(where: { known.contains($0.digest) }) {
      throw CogError(
        "the videos and questions of the file are counted already", file: path, subject: "sets",
        expected: "another set than in \(first)", found: twice.digest, advice: "Give each file once.")
    }
    for name in other.table.names {
      guard let own = table[name], own.columns != other.table[name]?.columns else { continue }
      throw CogError(
        "the files have moments of different numbers of channels", code: .wrongModel, file: path,
        subject: name, expected: "\(own.columns), as in \(first)",
        found: "\(other.table[name]?.columns ?? 0)")
    }
    var sum = Calibration(old, table)
    sum.fields.tool = tool
    sum.fields.sets += new.sets
    sum.fields.failed += new.failed
    sum.fields.counts.add(new.counts)
    sum.table.add(other.table)
    return sum
  }
}
