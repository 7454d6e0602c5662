package import CogModel

/// What a tensor that is listed does.
package enum InspectedRole: Hashable, Sendable {
  /// A weight of the model.
  case model(TensorRole)
  /// What PyTorch computed, in a reference bundle.
  case tap
  /// What PyTorch was given, in a reference bundle.
  case input

  /// As listings and documents show it, such as `mlpGate`.
  package var name: String {
    switch self {
    case .model(let role): role.rawValue
    case .tap: "tap"
    case .input: "input"
    }
  }
}

extension InspectedRole: Codable {
  /// Writes the name.
  package func encode(to encoder: any Encoder) throws { try name.encode(to: encoder) }

  /// Reads a name.
  ///
  /// - Throws: `DecodingError` when nothing has the name.
  package init(from decoder: any Decoder) throws {
    let name = try String(from: decoder)
    let roles = [.tap, .input] + TensorRole.allCases.map(InspectedRole.model)
    guard let role = roles.first(where: { $0.name == name }) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "no tensor does \(name)"))
    }
    self = role
  }
}
