import CogBase
package import CogCompute
package import CogModel
package import CogQuantize

/// GPTQ (Frantar et al. 2022): columns are rounded one after another, and those that are left make up for the
/// error that a layer's outputs have by then. Scales and zero points of the groups are those of least
/// squares, found before; columns are worked on by the second moments of their inputs (act-order), which does
/// not show in the file.
///
/// What the layers' inputs are is found by running the float model over the prompts of a calibration set,
/// stage by stage while tensors are quantized (``LayerwisePass``). The embedding table and the head, which
/// prompts hardly exercise, are quantized by least squares.
package final class GPTQ: QuantizationMethod, @unchecked Sendable {
  /// What `--method` calls it.
  package static let name = "gptq"
  /// What to know about it, in a few words.
  package static let summary = "later weights make up for errors, judged by what goes into each layer"

  /// Settings, and their defaults as `BENCHMARKS.md` measures them.
  package struct Settings: Sendable {
    /// What is added to the diagonal of the second moments, as a share of its mean.
    package var damping: Float = 0.1
    /// How much tokens of text count.
    package var tokens = TokenWeights.standard
    /// Bytes that second moments may take at a time.
    package var memoryLimit = 8 << 30

    /// The defaults.
    package init() {}
  }

  package let record = "GPTQ over fixed groups with scales of least squared error, columns by second moment"
  private let pass: LayerwisePass
  private let source: ModelSource
  private let settings: Settings
  private let context: RunContext
  private let table: TensorTable
  /// The inputs that are wanted of each stage, in the order of the table.
  private var wanted: [TapPoint: [String]] = [:]
  /// The second moments of inputs of the stage that is worked on.
  private var grams: (point: TapPoint, byName: [String: GramMatrix])?
  /// The factor that was used last: layers that share an input follow one another.
  private var factor: (name: String, value: InputFactor)?
  private var notes: [String] = []

  /// A method that has calibrated nothing yet.
  ///
  /// - Parameters:
  ///   - source: the float model that is quantized.
  ///   - pass: a pass of it over the calibration set.
  package init(source: ModelSource, pass: LayerwisePass, settings: Settings, context: RunContext) {
    (self.source, self.pass, self.settings, self.context) = (source, pass, settings, context)
    table = TensorTable(source.configuration)
  }

  package var calibration: [String: String]? {
    var record = pass.record
    record["damping"] = "\(settings.damping)"
    record["textWeight"] = "\(settings.tokens.text)"
    return record
  }

  package var remarks: [String] { pass.remarks + notes }

  /// The order of the forward pass; tensors that it does not ask for come last.
  package func order(of slots: [TensorSlot]) -> [Int]? {
    let points = TapPoint.all(source.configuration)
    let stages = Dictionary(uniqueKeysWithValues: points.enumerated().map { ($1, $0) })
    wanted = [:]
    let ranks = slots.map { slot -> Int in
      guard slot.encoding.isQuantized, let layer = calibrated(slot) else { return .max }
      if wanted[layer.point]?.contains(layer.input) != true {
        wanted[layer.point, default: []].append(layer.input)
      }
      return stages[layer.point] ?? .max
    }
    return slots.indices.sorted { (ranks[$0], $0) < (ranks[$1], $1) }
  }

  package func quantizer(for slot: TensorSlot) throws -> any PanelQuantizer {
    let plain = KernelQuantizer(choice: .leastSquares)
    guard let layer = calibrated(slot), let entry = source.tensors.entry(named: slot.name),
      let type = entry.encoding.plainType
    else { return plain }
    let factor = try factor(of: layer.input, at: layer.point)
    do {
      return try RoundedTensor.round(
        source.tensors.wholeBytes(of: entry), of: type,
        layout: PanelLayout(encoding: slot.encoding, shape: slot.shape), factor: factor, context: context)
    } catch let error as CogError where error.code == .notFinite {
      // Which weight that is, the encoder finds again and says.
      return plain
    }
  }

  package func end(keepingWork: Bool) {
    (grams, factor) = (nil, nil)
    if !keepingWork { pass.end() }
  }

  /// The stage and the input of a tensor that is quantized with its inputs in view; nil for others.
  private func calibrated(_ slot: TensorSlot) -> (point: TapPoint, input: String)? {
    guard let tensor = table.specification(named: slot.name), tensor.role.isMatrix,
      let input = table.specification(tensor.role.inputRole, layer: tensor.layer)?.name
    else { return nil }
    switch (tensor.part, tensor.layer) {
    case (.language, let layer?): return (.layer(layer), input)
    case (.vision, let layer?): return (.visionLayer(layer), input)
    case (.adapter, _): return (.adapter, input)
    default: return nil
    }
  }

  private func factor(of name: String, at point: TapPoint) throws -> InputFactor {
    if let factor, factor.name == name { return factor.value }
    factor = nil
    let gram = try gram(of: name, at: point)
    let value = try InputFactor(gram, damping: settings.damping, name: name, context: context)
    note(name, gram, value)
    grams?.byName[name] = nil
    factor = (name, value)
    return value
  }

  /// The second moments of an input, and with one run of the stage those of as many others that will be asked
  /// for as fit in memory.
  private func gram(of name: String, at point: TapPoint) throws -> GramMatrix {
    if let grams, grams.point == point, let gram = grams.byName[name] { return gram }
    grams = nil
    var room = settings.memoryLimit
    var sums: [String: GramMatrix] = [:]
    let names = wanted[point] ?? [name]
    for other in names.drop(while: { $0 != name }) {
      guard let columns = table.specification(named: other)?.shape.columns else { continue }
      // The factor is made in a matrix of its own.
      let bytes = 2 * GramMatrix.byteCount(size: columns)
      guard sums.isEmpty || bytes <= room else { break }
      room -= bytes
      sums[other] = GramMatrix(size: columns)
    }
    let tokens = settings.tokens
    try pass.run(point) { [context] input, name, isImage in
      sums[name]?.add(input, weights: tokens.weights(isImage), threads: context.threads)
    }
    grams = (point, sums)
    guard let gram = sums[name] else {
      throw CogError("a stage of the model does not have the layer", subject: name)
    }
    return gram
  }

  private func note(_ name: String, _ gram: GramMatrix, _ factor: InputFactor) {
    if factor.damping > settings.damping {
      notes.append(
        "\(name): the second moments of \(gram.count) tokens needed a damping of \(factor.damping).")
    }
    if gram.count < gram.size {
      notes.append(
        "\(name): the calibration has \(gram.count) tokens for \(gram.size) columns; more videos would help.")
    }
    if factor.deadColumns > 0 {
      notes.append(
        "\(name): \(factor.deadColumns) of \(gram.size) columns are zero in the whole calibration; they are "
          + "rounded to nearest.")
    }
  }
}
