import ArgumentParser
import CogInspect
import CogModel

/// Which tensors a command works on.
struct TensorFilterOptions: ParsableArguments {
  @Option(
    name: .customLong("name"),
    help: ArgumentHelp(
      "Only tensors whose name fits, such as '*.mlp.*'; may be given several times, one must fit.",
      valueName: "glob"))
  var names: [String] = []

  @Option(
    name: .customLong("part"),
    help: ArgumentHelp(
      "Only tensors of this part (embedding, language, head, vision, convolution, adapter); "
        + "may be given several times.",
      valueName: "part"),
    completion: .list(ModelPart.allCases.map(\.rawValue)))
  var parts: [String] = []

  @Option(
    help: ArgumentHelp("Only tensors of these layers, such as 3 or 0-7.", valueName: "first-last"),
    transform: { text in
      guard let layers = TensorFilter.layers(text) else {
        throw ValidationError("--layers takes a number or a range such as 0-7, got: \(text)")
      }
      return layers
    })
  var layers: ClosedRange<Int>?

  /// The conditions, all of which must be fulfilled.
  var filter: TensorFilter { TensorFilter(names: names, parts: parts, layers: layers) }
}

/// How a command prints its result.
struct FormatOptions: ParsableArguments {
  @Flag(help: "Print one JSON document.")
  var json = false

  @Flag(help: "Print comma-separated values.")
  var csv = false

  func validate() throws {
    if json && csv { throw ValidationError("--json and --csv exclude each other.") }
  }
}
