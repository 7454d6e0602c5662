package import CogModel

extension TensorEntry {
  /// The part of the model as reports have it; `other` for a tensor that the model does not have. Without a
  /// model, the components of the name before the first number (or before the last component where there is
  /// none), at most two.
  package var partName: String {
    switch place {
    case .known(let specification): return specification.part.rawValue
    case .foreign: return "other"
    case .unknown:
      let components = name.split(separator: ".")
      let common = components.firstIndex { Int($0) != nil } ?? components.count - 1
      return components.prefix(min(2, max(1, common))).joined(separator: ".")
    }
  }

  /// The layer that the name says, or nil.
  package var layerName: LayerName? { LayerName(tensor: name) }
}
