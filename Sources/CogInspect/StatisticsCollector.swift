import CogModel
package import CogBase
package import CogCompute

/// Gathers the figures of tensors, or of taps, into those of layers, parts and all together.
package final class StatisticsCollector {
  /// What a layer or part is made of so far.
  private struct Group {
    var tensorCount = 0
    var counts = ValueCounts()
    var sums = Figures()
    /// What depends on the order in which it is added.
    var sortedLater: [(name: String, moments: Moments, entropy: Double)] = []

    mutating func add(_ measurement: TensorMeasurement, name: String) {
      tensorCount += 1
      counts.merge(measurement.counts)
      let figures = measurement.figures
      let entropy = (figures.entropyBits ?? 0) * Double(figures.count)
      sortedLater.append((name, measurement.moments, entropy))
      sums.count += figures.count
      sums.zeros += figures.zeros
      sums.subnormals += figures.subnormals
      sums.nan += figures.nan
      sums.infinite += figures.infinite
      if let low = figures.minimum { sums.minimum = min(sums.minimum ?? low, low) }
      if let high = figures.maximum { sums.maximum = max(sums.maximum ?? high, high) }
    }

    /// In the order of names, so that another order of tensors in another container changes nothing.
    func statistics(name: String) -> GroupStatistics {
      var figures = sums
      var (moments, entropy) = (Moments(), 0.0)
      for part in sortedLater.sorted(by: { $0.name < $1.name }) {
        moments.merge(part.moments)
        entropy += part.entropy
      }
      if let low = sums.minimum, let high = sums.maximum { figures.setRange(low, high, Distribution(counts)) }
      figures.setMoments(moments)
      figures.entropyBits = sums.count == 0 ? nil : entropy / Double(sums.count)
      figures.setAccuracy(counts)
      return GroupStatistics(name: name, tensorCount: tensorCount, figures: figures)
    }
  }

  private let meter: StatisticsMeter
  private var tensors: [TensorStatistics] = []
  private var layers: [LayerName: Group] = [:]
  private var partOrder: [String] = []
  private var parts: [String: Group] = [:]
  private var total = Group()
  private var notes: [String] = []

  /// Nothing yet; a context's threads and kernels will measure, until its cancellation ends the work.
  package init(_ context: RunContext) { meter = StatisticsMeter(context) }

  /// Adds float32 values, such as those of a tap.
  ///
  /// - Parameters:
  ///   - values: as many as `shape` says, row after row.
  ///   - name: the tap's; its layer follows from it.
  /// - Throws: ``CogError`` when the numbers do not fit; an interrupt.
  package func add(_ values: UnsafeBufferPointer<Float>, shape: Shape, name: String, part: String) throws {
    guard values.count == shape.elementCount else {
      throw CogError(
        "there are not as many values as the shape says", subject: name, expected: "\(shape.elementCount)",
        found: "\(values.count)")
    }
    let entry = TensorEntry(
      name: name, type: .float32, shape: shape, file: "", offset: nil, byteCount: values.count * 4)
    try add(entry, part: part, UnsafeRawBufferPointer(values))
  }

  /// Measures a tensor and adds it.
  ///
  /// - Parameters:
  ///   - part: its part of the model, or nil for the entry's own.
  ///   - passed: is told how many of its bytes are done with.
  /// - Throws: ``CogError`` when it cannot be measured; an interrupt.
  func add(
    _ entry: TensorEntry, part: String? = nil, _ bytes: UnsafeRawBufferPointer,
    passed: (Int) -> Void = { _ in }
  ) throws {
    let part = part ?? entry.partName
    let matrix = MeasuredMatrix(shape: entry.shape, encoding: entry.encoding, bytes: bytes)
    let measurement = try meter.measure(matrix, passed: passed)
    tensors.append(
      TensorStatistics(
        name: entry.name, part: part, layer: entry.layerName?.description, type: entry.encoding,
        shape: entry.shape, figures: measurement.figures, rows: measurement.rows,
        columns: measurement.columns, zeroGroups: measurement.zeroGroups,
        firstNotFinite: measurement.firstNotFinite.map(entry.shape.indices)))
    if let layer = entry.layerName { layers[layer, default: Group()].add(measurement, name: entry.name) }
    if parts[part] == nil { partOrder.append(part) }
    parts[part, default: Group()].add(measurement, name: entry.name)
    total.add(measurement, name: entry.name)
  }

  /// Adds what a reader should know besides.
  func add(note: String) { notes.append(note) }

  /// Everything gathered.
  package func report(path: String) -> StatisticsReport {
    StatisticsReport(
      path: path, notes: notes, tensors: tensors,
      layers: layers.sorted { $0.key < $1.key }.map { $0.value.statistics(name: $0.key.description) },
      parts: partOrder.compactMap { name in parts[name]?.statistics(name: name) },
      total: total.statistics(name: "total"))
  }
}
