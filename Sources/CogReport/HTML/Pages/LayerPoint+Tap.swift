import CogModel

extension LayerPoint {
  /// The place of a tap along a chart.
  init(_ point: TapPoint) {
    let label =
      switch point {
      case .patchEmbedding: "patch"
      case .visionLayer(let layer), .layer(let layer): "\(layer)"
      case .convolution: "conv"
      case .adapter: "adapter"
      case .vision: "vision"
      case .finalNorm: "norm"
      case .head: "head"
      }
    self.init(name: point.name, label: label, group: point.isVision ? "vision" : "language model")
  }
}
