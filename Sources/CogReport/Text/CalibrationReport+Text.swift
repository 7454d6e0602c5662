package import CogCalibrate

extension CalibrationSummary {
  /// The summary as text.
  package var text: String {
    let settings =
      "\(self.settings.mode), template \(self.settings.template), frames \(self.settings.frames)"
    return [
      "\(inputs) inputs of \(model.name.printable), \(settings)",
      counts.text(failed: sets.reduce(0) { $0 + $1.videos } - counts.videos),
      "\(output.printable): \(bytes) bytes, \(NumberText.fixed(seconds, decimals: 1)) s",
    ].joined(separator: "\n")
  }
}

extension CalibrationFields.Counts {
  /// One line of what was looked at.
  fileprivate func text(failed: Int) -> String {
    "\(videos) videos with \(frames) frames, \(prompts) prompts, \(imageTokens) image and "
      + "\(textTokens) text tokens" + (failed > 0 ? "; \(failed) videos failed" : "")
  }
}

extension CalibrationReport {
  /// The report as text: where it comes from, the inputs, and the channels that carry most.
  package var text: String {
    var lines = [
      "model \(model.name.printable), \(model.digest)",
      "sets " + sets.map(\.digest).joined(separator: ", "),
      "\(settings.mode), template \(settings.template), frames \(settings.frames)",
      counts.text(failed: failed.count),
    ]
    lines += failed.map { "failed: \($0.printable)" }
    return [lines.joined(separator: "\n"), inputTable, channelTable].joined(separator: "\n\n")
  }

  private var inputTable: String {
    var table = TextTable([
      .text("input"), .number("channels"), .number("image tokens"), .number("RMS"), .number("max/RMS"),
      .number("top 1%"), .number("text tokens"), .number("RMS"), .number("max/RMS"), .number("top 1%"),
      .number("alike"),
    ])
    for input in inputs {
      table.add(
        [input.name, "\(input.columns)"] + Self.cells(input.image) + Self.cells(input.text)
          + [input.similarity.map { NumberText.fixed($0, decimals: 3) } ?? "-"])
    }
    return table.rendered()
  }

  private static func cells(_ figures: Figures?) -> [String] {
    guard let figures else { return ["-", "-", "-", "-"] }
    return [
      "\(figures.tokens)", NumberText.general(figures.rootMeanSquare),
      figures.outlierRatio.map { NumberText.general($0) } ?? "-",
      figures.topShare.map(NumberText.percent) ?? "-",
    ]
  }

  private var channelTable: String {
    var table = TextTable([
      .text("channels that carry most"), .text("tokens"), .number("channel"), .number("share"),
      .number("RMS"), .number("mean"), .number("largest"),
    ])
    for (input, kind, channel) in heaviest.prefix(10) {
      table.add([
        input.name, kind, "\(channel.index)", NumberText.percent(channel.share),
        NumberText.general(channel.rootMeanSquare), NumberText.general(channel.mean),
        NumberText.general(channel.largest),
      ])
    }
    return table.rendered()
  }

  /// The channels with the largest parts of the squares of their input, the largest first.
  var heaviest: [(input: Input, kind: String, channel: Figures.Channel)] {
    let all = inputs.flatMap { input in
      [("image", input.image), ("text", input.text)].flatMap { kind, figures in
        (figures?.worst ?? []).map { (input: input, kind: kind, channel: $0) }
      }
    }
    return all.enumerated().sorted {
      ($1.element.channel.share, $0.offset) < ($0.element.channel.share, $1.offset)
    }.map(\.element)
  }
}
