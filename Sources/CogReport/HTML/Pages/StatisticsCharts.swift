import CogInspect
import CogModel

/// The charts of the page of `cogvlm stats`.
enum StatisticsCharts {
  // MARK: Histograms

  /// Strips of every stack of layers, and of what is outside of layers.
  static func histograms(_ report: StatisticsReport) -> [HistogramStrips] {
    let findings = Dictionary(grouping: report.findings) { $0.tensor.layer ?? $0.tensor.name }
    func row(_ name: String, _ label: String, _ figures: Figures) -> HistogramStrips.Row {
      let found = findings[name] ?? []
      let histogram = figures.histogram
      let counts = histogram?.counts.map(Double.init) ?? []
      let edges = histogram.map { histogram in
        (0...histogram.counts.count).map { bin in
          let share = Double(bin) / Double(histogram.counts.count)
          return histogram.minimum + (histogram.maximum - histogram.minimum) * share
        }
      }
      let tail = figures.percentiles.last?.value
      let (low, high) = (figures.minimum ?? 0, figures.maximum ?? 0)
      let sign = found.isEmpty ? "" : found.contains(where: \.isFault) ? "✗ " : "! "
      return .init(
        name: name, label: sign + label, edges: edges ?? [], counts: counts,
        marks: tail.map { tail in [-tail, tail].filter { (low...high).contains($0) } } ?? [],
        note: found.isEmpty ? nil : found.prefix(4).map(\.sentence).joined(separator: "\n"),
        isFault: !found.isEmpty)
    }
    let caption =
      "64 equal bins from the smallest to the largest element; heights follow the logarithm of the count, "
      + "so that single outliers are seen. Ticks: 99.9 % of the magnitudes are below. "
      + "Red: something was found there."
    var strips = stacks(report.layers.map(\.name)).map { stack, layers in
      let groups = report.layers.filter { layers.contains($0.name) }
      return HistogramStrips(
        title: "Layers of \(stack)", caption: caption, valueLabel: "value", heights: .logarithmic,
        rows: groups.map { row($0.name, label(ofLayer: $0.name), $0.figures) })
    }
    let others = report.tensors.filter { $0.layer == nil }
    if !others.isEmpty {
      strips.append(
        HistogramStrips(
          title: "Outside of layers", caption: caption, valueLabel: "value", heights: .logarithmic,
          rows: others.map { row($0.name, shortName($0.name), $0.figures) }))
    }
    return strips
  }

  /// Layers by stack, in the order in which they come.
  private static func stacks(_ layers: [String]) -> [(stack: String, layers: Set<String>)] {
    let names = layers.compactMap { LayerName(tensor: $0) }
    return Dictionary(grouping: names, by: \.stack).sorted { $0.key < $1.key }.map {
      ($0.key, Set($0.value.map(\.description)))
    }
  }

  /// A tensor's name where there is little room: without what most names have.
  static func shortName(_ name: String) -> String {
    var short = name[...]
    if short.hasPrefix("model.") { short = short.dropFirst("model.".count) }
    if short.hasSuffix(".weight") { short = short.dropLast(".weight".count) }
    return short.isEmpty ? name : String(short)
  }

  private static func label(ofLayer name: String) -> String {
    LayerName(tensor: name).map { "layer \($0.index)" } ?? name
  }

  // MARK: Scale

  /// The magnitudes of taps in the order of the forward pass.
  static func magnitudes(_ report: StatisticsReport) -> LineChart {
    let figures = report.tensors.map(\.figures)
    func percentile(_ percent: Double) -> [Double?] {
      figures.map { $0.percentiles.first { $0.percent == percent }?.value }
    }
    // What has NaN stands on the rail above the scale.
    let maxima = figures.map { $0.nan > 0 ? .nan : $0.infinite > 0 ? .infinity : $0.absoluteMaximum }
    let fault = figures.firstIndex { $0.nan + $0.infinite > 0 }
    return LineChart(
      title: "Magnitudes along the layers",
      caption: "The largest magnitude far above the 99.9 % means that few channels or positions carry it.",
      points: report.tensors.map { tensor in
        TapPoint(name: tensor.name).map(LayerPoint.init) ?? LayerPoint(name: tensor.name, label: tensor.name)
      },
      series: [
        .init(name: "largest", values: maxima), .init(name: "99.9 %", values: percentile(99.9)),
        .init(name: "median", values: percentile(50)),
        .init(name: "standard deviation", values: figures.map(\.standardDeviation)),
      ],
      valueLabel: "magnitude, log scale", style: .plain,
      highlight: fault.map { ($0, "first that is not finite: \(report.tensors[$0].name)") })
  }

  /// For every stack of layers, how large each kind of tensor is in each layer beside the other layers.
  static func scales(_ report: StatisticsReport) -> [HeatMap] {
    let scales = report.relativeScales
    let faulty = Set(report.findings.map(\.tensor.name))
    return LayerGrid.stacks(of: report.tensors, name: \.name).compactMap { grid in
      let rows = grid.roles.map { role in
        let tensors = grid.layers.map { grid.element(role, $0) }
        let values = tensors.map { tensor -> Double? in
          guard let tensor else { return nil }
          return tensor.figures.nan + tensor.figures.infinite > 0 ? .nan : scales[tensor.name]?.factor
        }
        let isFault = tensors.contains { $0.map { faulty.contains($0.name) } ?? false }
        return HeatMap.Row(
          name: "\(grid.stack).*.\(role)", label: shortName(role), values: values, isFault: isFault)
      }
      guard rows.contains(where: { $0.values.contains { $0 != nil } }) else { return nil }
      return HeatMap(
        title: "Scale of the tensors of \(grid.stack)",
        caption:
          "The root mean square of a tensor over the median of the same tensors of all layers: "
          + "1 is as usual. Cells in the color of faults have NaN or infinite elements; "
          + "framed kinds have a tensor in which something was found.",
        rows: rows, columns: grid.layers.map { "\($0.index)" }, columnLabel: "layer",
        valueLabel: "times the median of all layers, log scale", spanning: 0.5...2)
    }
  }

  // MARK: Channels

  /// For every stack, the largest magnitudes of runs of channels in each layer.
  static func channels(_ report: StatisticsReport, isActivations: Bool) -> [HeatMap] {
    LayerGrid.stacks(of: report.tensors, name: \.name).flatMap { grid in
      let layers = grid.layers.map { layer in
        (layer, grid.roles.compactMap { grid.element($0, layer) }.filter { $0.shape.rank > 1 })
      }
      let width = isActivations ? "channels" : "input channels (columns)"
      let height = isActivations ? "positions (rows)" : "output channels (rows)"
      return [
        map(of: layers, title: "\(grid.stack): \(width)", unit: "channels") { $0.columns },
        map(of: layers, title: "\(grid.stack): \(height)", unit: isActivations ? "positions" : "channels") {
          $0.rows
        },
      ].compactMap { $0 }
    }
  }

  /// A map over the matrices that have the most common number of channels, which is that of the hidden state.
  private static func map(
    of layers: [(name: LayerName, tensors: [TensorStatistics])], title: String, unit: String,
    _ channels: (TensorStatistics) -> ChannelMaxima?
  ) -> HeatMap? {
    let counts = Dictionary(grouping: layers.flatMap(\.tensors).compactMap { channels($0)?.count }) { $0 }
    guard let count = counts.max(by: { ($0.value.count, $1.key) < ($1.value.count, $0.key) })?.key, count > 1
    else { return nil }
    let runs = min(count, 64)
    let rows = layers.map { layer, tensors in
      let profiles = tensors.compactMap(channels).filter { $0.count == count }.map(\.profile)
      let values = (0..<runs).map { run in
        profiles.compactMap { run < $0.count ? $0[run] : nil }.max()
      }
      let isFault = tensors.contains { $0.figures.nan + $0.figures.infinite > 0 || $0.zeroGroups != nil }
      return HeatMap.Row(name: "\(layer)", label: "layer \(layer.index)", values: values, isFault: isFault)
    }
    let names = (0..<runs).map { run in
      let (first, last) = (run * count / runs, (run + 1) * count / runs - 1)
      return first == last ? "\(first)" : "\(first)–\(last)"
    }
    return HeatMap(
      title: title,
      caption:
        "The largest magnitude in each of \(runs) runs of \(count) \(unit), "
        + "over the layer's matrices that have so many. Framed layers have elements that are not finite, "
        + "or groups of zeros.",
      rows: rows, columns: names, columnLabel: unit, valueLabel: "largest magnitude, log scale")
  }
}
