import CogBase
package import CogBench

extension BenchReport {
  /// The report for people: the model, the machine, and a table of figures.
  package var text: String {
    [modelText, machineText, "", figures.rendered(), "", memoryText].joined(separator: "\n")
  }

  private var modelText: String {
    let encodings = model.encodings.map {
      "\($0.encoding.label) \(NumberText.plain(Double($0.bytes) / 1e9)) GB"
    }
    let (parameters, bytes) = (Double(model.parameters) / 1e9, Double(model.fileBytes) / 1e9)
    let sizes = "\(NumberText.plain(parameters)) billion parameters, \(NumberText.plain(bytes)) GB"
    return """
      Model      \(model.name.printable): \(sizes) (\(encodings.joined(separator: ", ")))
      Language   \(model.language[0]) layers, width \(model.language[1]), MLP \(model.language[2]), \
      vocabulary \(model.language[3]), \(NumberText.plain(model.languageBitsPerWeight)) bits per weight
      Vision     \(model.vision[0]) layers, width \(model.vision[1]), MLP \(model.vision[2])
      """
  }

  private var machineText: String {
    """
    Processor  \(machine.processor.printable), \(machine.threads) threads, kernels \(machine.kernels), \
    load average \(machine.loadAverages.map { NumberText.plain($0) }.joined(separator: " "))
    Runs       \(runs), mode \(mode.rawValue)
    """
  }

  private var figures: TextTable {
    var table = TextTable([
      .text("What"), .text("Unit"), .number("Median"), .number("Minimum"), .number("Maximum"),
    ])
    func add(_ what: String, _ unit: String, _ spread: Spread, scale: Double = 1) {
      table.add(
        [what, unit] + [spread.median, spread.minimum, spread.maximum].map { NumberText.plain($0 / scale) })
    }
    func peak(_ int8Share: Double) -> String {
      let int8 = limits.tileOperationsPerSecond == nil ? "int8" : "tiles'"
      // A hundredth changes no figure that is shown.
      if int8Share < 0.01 { return "float32 peak" }
      return int8Share > 0.99 ? "\(int8) peak" : "\(int8) and float32 peaks"
    }
    add("memory read", "GB/s", limits.readBytesPerSecond, scale: 1e9)
    add("int8 peak", "TOPS", limits.int8OperationsPerSecond, scale: 1e12)
    if let tiles = limits.tileOperationsPerSecond { add("tiles' peak", "TOPS", tiles, scale: 1e12) }
    add("float32 peak", "TFLOPS", limits.floatOperationsPerSecond, scale: 1e12)
    add("load", "s", loadSeconds)
    if let vision {
      add("vision, \(vision.frames) frames", "frames/s", vision.framesPerSecond)
      add("  products with weights", "TOPS", vision.operationsPerSecond, scale: 1e12)
      add("  share of the \(peak(vision.int8Share))", "%", vision.shareOfPeak, scale: 0.01)
    }
    add("prefill, \(prefill.tokens) tokens", "tokens/s", prefill.tokensPerSecond)
    add("  products with weights", "TOPS", prefill.operationsPerSecond, scale: 1e12)
    add("  share of the \(peak(prefill.int8Share))", "%", prefill.shareOfPeak, scale: 0.01)
    if let decode {
      add("decode, \(decode.tokens) tokens after \(decode.contextTokens)", "tokens/s", decode.tokensPerSecond)
      add(
        "  weights, \(NumberText.plain(Double(decode.bytesPerToken) / 1e9)) GB per token", "GB/s",
        decode.bytesPerSecond, scale: 1e9)
      add("  share of the memory read", "%", decode.shareOfReadBandwidth, scale: 0.01)
    }
    return table
  }

  private var memoryText: String {
    "Peak memory, file pages included: \(NumberText.plain(Double(peakMemoryBytes) / 1e9)) GB"
      + (peakMemoryIsExact ? "" : " (with the benchmark's own buffers: the mark cannot be set back here)")
  }
}
