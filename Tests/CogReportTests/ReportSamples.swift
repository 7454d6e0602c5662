import CogReport

/// A page with every piece of the kit, at the published model's size: 63 vision layers and 32 language
/// layers.
enum ReportSamples {
  struct Document: Codable, Equatable {
    var name: String
    var values: [Double]
  }

  static let points: [LayerPoint] =
    [LayerPoint(name: "model.vision.patch_embedding", label: "patch", group: "vision tower")]
    + (0..<63).map {
      LayerPoint(name: "model.vision.transformer.layers.\($0)", label: "\($0)", group: "vision tower")
    }
    + ["conv", "linear_proj"].map { LayerPoint(name: "model.vision.\($0)", label: $0, group: "vision tower") }
    + (0..<32).map { LayerPoint(name: "model.layers.\($0)", label: "\($0)", group: "language model") }
    + ["model.norm", "lm_head"].map {
      LayerPoint(name: $0, label: $0 == "lm_head" ? "head" : "norm", group: "language model")
    }

  /// Values that look like errors and are the same in every run.
  static func wave(_ count: Int, base: Double, growth: Double) -> [Double] {
    (0..<count).map { index in
      let ripple = 1 + 0.4 * Double((index * 7919) % 13) / 13
      return base * (1 + growth * Double(index)) * ripple
    }
  }

  static func lineChart() -> LineChart {
    let count = points.count
    var isolated: [Double?] = wave(count, base: 3e-4, growth: 0.01)
    isolated[70] = 0.21
    isolated[10] = nil
    isolated[count - 1] = 0
    var accumulated: [Double?] = wave(count, base: 4e-4, growth: 0.2)
    for index in 70..<count { accumulated[index] = 0.3 + 0.001 * Double(index) }
    accumulated[count - 2] = .nan
    return LineChart(
      title: "Relative L2 error along the layers",
      caption: "Isolated: each layer given the reference's input.",
      points: points,
      series: [
        .init(name: "accumulated", values: accumulated), .init(name: "isolated", values: isolated),
      ],
      limits: [
        .init(name: "accumulated limit", series: 0, values: Array(repeating: 1.5e-2, count: count)),
        .init(
          name: "isolated limit", series: 1, values: points.map { $0.group == "vision tower" ? 1e-3 : 4e-3 }),
      ],
      valueLabel: "relative L2 (log scale)", highlight: (70, "first at fault: model.layers.4"))
  }

  static func histograms() -> HistogramStrips {
    HistogramStrips(
      title: "Weights by layer", caption: "Height: logarithm of the count.", valueLabel: "weight",
      heights: .logarithmic,
      rows: (0..<32).map { layer in
        let edges = (0...64).map { (Double($0) - 32) / 320 * (1 + Double(layer) / 20) }
        let counts = (0..<64).map { bin in (1e6 * (1 - abs(Double(bin) - 31.5) / 32)).rounded() }
        return .init(
          name: "model.layers.\(layer)", label: "layer \(layer)", edges: edges,
          counts: layer == 7 ? [] : counts,
          marks: [edges[8], edges[56]], note: layer == 12 ? "1 NaN" : nil, isFault: layer == 12)
      })
  }

  static func heatMap() -> HeatMap {
    HeatMap(
      title: "Largest magnitude by channel block", caption: "Channels in blocks of 64.",
      rows: (0..<32).map { layer in
        let values: [Double?] = (0..<64).map {
          let isOutlier = $0 == 14 || $0 == 47
          return 0.2 * (isOutlier ? 60 : 1) * (1 + Double(($0 * 31 + layer * 17) % 23) / 8)
        }
        return .init(
          name: "model.layers.\(layer)", label: "layer \(layer)",
          values: values.enumerated().map {
            layer == 5 && $0 < 10 ? nil : (layer == 9 && $0 == 3 ? .nan : $1)
          },
          isFault: layer == 9)
      }, columns: (0..<64).map(String.init), columnLabel: "block of channels", valueLabel: "largest |x|")
  }

  static func table() -> DataTable {
    var table = DataTable(
      title: "Taps", caption: "All taps in the order of the forward pass.",
      columns: [.code("tap"), .text("shape"), .number("isolated"), .number("accumulated"), .text("")])
    for (index, point) in points.enumerated() {
      let isFault = index == 70
      table.add(
        [
          .text(point.name), .text("[1610, 4096]"),
          .number(index == 10 ? nil : 3e-4, .scientific, isFault ? .failed : .plain),
          .number(4e-4 * Double(index), .scientific), .text(isFault ? "out of tolerance" : "", .failed),
        ], isFault: isFault)
    }
    return table
  }

  static let parts = ["vision tower", "convolution", "adapter", "language model", "embedding table and head"]

  static func bitsBars() -> BarChart {
    BarChart(
      title: "Bits per weight", categories: parts,
      series: [.init(name: "bits", values: [4.5, 16, 4.5, 4.5, 8.3])], valueLabel: "bits per weight")
  }

  static func groupedBars() -> BarChart {
    BarChart(
      title: "Damage", categories: parts,
      series: [
        .init(name: "weights", values: [0.07, 0, 0.075, 0.071, nil]),
        .init(name: "activations", values: [0.09, 0.01, 0.12, 0.21, 0.002]),
      ], valueLabel: "relative L2")
  }

  static func stackedBars() -> BarChart {
    BarChart(
      title: "Bytes by part and encoding", categories: parts,
      series: [
        .init(name: "int4", values: [2.4e9, nil, 1e8, 3.9e9, nil]),
        .init(name: "int8", values: [nil, nil, nil, nil, 1.1e9]),
        .init(name: "BF16", values: [3e6, 2.5e7, nil, 5e5, nil]),
      ], arrangement: .stacked, valueLabel: "bytes", style: .bytes)
  }

  static func page(hostile: String = "x") throws -> Page {
    var page = try Page(
      title: "Verification of \(hostile)", subtitle: "int4 model against the bundle \(hostile)",
      document: Document(name: "</script><script>alert(1)</script>\(hostile)", values: [1.5, .infinity]))
    page.add(
      Verdict(
        .failed, "First at fault: model.layers.4",
        details: ["Its isolated error is 2.1e-01, where the profile allows 4.0e-03."]))
    page.add(Facts([("profile", "bfloat16"), ("file", hostile)]))
    page.add(Heading("Errors"))
    page.add(lineChart())
    page.add(table())
    page.add(Heading("Weights"))
    page.add(histograms())
    page.add(heatMap())
    page.add(Heading("Parts"))
    page.add(Columns([bitsBars(), groupedBars()]))
    page.add(stackedBars())
    page.add(Heading("Answer"))
    page.add(
      TokenStrip(
        title: "Token by token",
        tokens: [
          .init(text: " The", id: 578, reference: (" The", 578), gap: 2.25, state: .equal),
          .init(text: " man", id: 893, reference: (" person", 1732), gap: 0.01, state: .excused),
          .init(text: hostile, id: 5, reference: ("\n", 198), gap: 4.5, state: .mismatch),
        ]))
    page.add(
      ImageStrip(
        title: "Frames",
        pictures: (0..<3).map {
          .init(png: onePixel, width: 224, height: 224, label: "frame \($0 * 25), \($0).00 s")
        }))
    return page
  }

  /// A PNG file of one gray pixel.
  static let onePixel: [UInt8] = [
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x7e, 0x9b,
    0x55, 0x00, 0x00, 0x00, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x68, 0x00, 0x00, 0x00,
    0x82, 0x00, 0x81, 0x77, 0xcd, 0x72, 0xb6, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae,
    0x42, 0x60, 0x82,
  ]
}
