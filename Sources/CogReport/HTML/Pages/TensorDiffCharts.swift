import CogInspect
import CogModel

/// The charts of the page of `cogvlm diff`.
enum TensorDiffCharts {
  /// For every stack of layers the errors of its kinds of tensors, as lines and as a map; a sentence where
  /// all are identical.
  static func layers(_ judged: JudgedTensorDiff) -> [any PagePart] {
    LayerGrid.stacks(of: judged.diff.tensors, name: \.name).flatMap { grid -> [any PagePart] in
      let count = grid.roles.reduce(0) { count, role in
        count + grid.layers.count { grid.element(role, $0) != nil }
      }
      let kinds = grid.roles.filter { role in
        grid.layers.contains { grid.element(role, $0).map { !$0.isIdentical } ?? false }
      }
      guard !kinds.isEmpty else {
        return [Paragraph("All \(count) tensors of \(grid.stack) are equal to the bit.")]
      }
      return [lines(grid, kinds, judged), map(grid, judged)]
    }
  }

  private typealias Grid = LayerGrid<TensorDiff.Tensor>

  /// What a chart shows of a tensor: what cannot be measured stands where NaN does.
  private static func error(_ tensor: TensorDiff.Tensor?) -> Double? {
    tensor.map { $0.isIdentical ? 0 : $0.relativeL2 ?? .nan }
  }

  private static func largest(_ errors: [Double?]) -> Double {
    errors.compactMap { $0 }.map { $0.isNaN ? .infinity : $0 }.max() ?? 0
  }

  private static func lines(_ grid: Grid, _ kinds: [String], _ judged: JudgedTensorDiff) -> LineChart {
    let all = kinds.map { role in
      ChartSeries(
        name: StatisticsCharts.shortName(role), values: grid.layers.map { error(grid.element(role, $0)) })
    }
    // As many as there are colors.
    let shown = all.enumerated().sorted {
      (largest($1.element.values), $0.offset) < (largest($0.element.values), $1.offset)
    }.prefix(8).map(\.element)
    let limits = judged.limit.map { limit in
      [LineChart.Limit(name: "limit", series: 0, values: grid.layers.map { _ in limit })]
    }
    func errors(_ layer: Int) -> [Double?] { grid.roles.map { error(grid.element($0, grid.layers[layer])) } }
    let conspicuous = grid.layers.indices.filter { index in
      grid.roles.contains { grid.element($0, grid.layers[index]).flatMap(judged.words) != nil }
    }
    let worst = conspicuous.max { largest(errors($0)) < largest(errors($1)) }
    let left = [
      all.count > shown.count ? "The \(shown.count) kinds of tensors with the largest errors." : nil,
      grid.roles.count > kinds.count
        ? "Kinds that are identical in all layers are left out: "
          + "\(grid.roles.count - kinds.count) of \(grid.roles.count)."
        : nil,
      "Single identical tensors are at 0, those that are not finite on the rail at the top.",
    ]
    return LineChart(
      title: "Error along the layers of \(grid.stack)",
      caption: left.compactMap { $0 }.joined(separator: " "),
      points: grid.layers.map { LayerPoint(name: $0.description, label: "\($0.index)") }, series: shown,
      limits: limits ?? [], valueLabel: "relative L2 error, log scale",
      highlight: worst.map { ($0, "stands out: layer \(grid.layers[$0].index)") })
  }

  private static func map(_ grid: Grid, _ judged: JudgedTensorDiff) -> HeatMap {
    let tensors = grid.roles.map { role in grid.layers.map { grid.element(role, $0) } }
    let errors = tensors.joined().compactMap(error).filter { $0.isFinite && $0 > 0 }
    return HeatMap(
      title: "Every tensor of \(grid.stack)",
      caption:
        "A cell for each tensor, open where it is identical, in the color of faults where it is not finite. "
        + "Framed kinds have a tensor that stands out.",
      rows: zip(grid.roles, tensors).map { role, tensors in
        .init(
          name: "\(grid.stack).*.\(role)", label: StatisticsCharts.shortName(role),
          values: tensors.map { error($0).flatMap { $0 == 0 ? nil : $0 } },
          isFault: tensors.contains { $0.flatMap(judged.words) != nil })
      },
      columns: grid.layers.map { "\($0.index)" }, columnLabel: "layer",
      valueLabel: "relative L2 error, log scale", spanning: errors.max().map { $0 / 4...$0 },
      style: .scientific)
  }

  /// Bits and damage by part.
  static func parts(_ diff: TensorDiff, _ stored: (a: any TensorStore, b: any TensorStore))
    -> [any PagePart]
  {
    func bits(_ store: any TensorStore) -> [Double?] {
      diff.parts.map { part in
        let names = diff.tensors.filter { $0.part == part.name }.map(\.name)
        return StoredSize(of: names, in: store).bits
      }
    }
    let names = diff.parts.map(\.name)
    return [
      BarChart(
        title: "Bits", categories: names,
        series: [.init(name: "A", values: bits(stored.a)), .init(name: "B", values: bits(stored.b))],
        valueLabel: "stored bits of an element"),
      BarChart(
        title: "Damage", caption: "Over all elements of the part's tensors.", categories: names,
        series: [.init(name: "relative L2", values: diff.parts.map(\.relativeL2))],
        valueLabel: "relative L2 error", style: .scientific),
    ]
  }
}
