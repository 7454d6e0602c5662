extension LayerPoint {
  /// The place of a tap along a chart, from the PyTorch module path that names it.
  init(tap name: String) {
    let parts = name.split(separator: ".")
    let last = parts.last.map(String.init) ?? name
    let isVision = name.hasPrefix("model.vision")
    let label =
      switch name {
      case "model.vision.patch_embedding": "patch"
      case "model.vision.linear_proj": "adapter"
      case "lm_head": "head"
      default: last
      }
    self.init(name: name, label: label, group: isVision ? "vision" : "language model")
  }
}
