package import CogModel

/// Encodings that were chosen for a model's linear layers so that their mean bits stay below a target
/// (`quantize --target-bits`): what a recipe follows, and what the summary shows.
package struct EncodingBudget: Codable, Equatable, Sendable {
  /// An encoding that could have been chosen.
  package struct Candidate: Codable, Equatable, Sendable {
    /// The encoding.
    package let encoding: TensorEncoding
    /// Bits of a weight, scales and padding included.
    package let bits: Double
    /// The estimate of what it costs: what is added to the relative squared error of the residual stream.
    package let damage: Double

    /// A candidate.
    package init(encoding: TensorEncoding, bits: Double, damage: Double) {
      (self.encoding, self.bits, self.damage) = (encoding, bits, damage)
    }
  }

  /// Linear layers that share an encoding, since they are computed together.
  package struct Choice: Codable, Equatable, Sendable {
    /// The names of their weights.
    package let tensors: [String]
    /// What was chosen.
    package let encoding: TensorEncoding
    /// What there was to choose from.
    package let candidates: [Candidate]

    /// A choice among candidates.
    package init(tensors: [String], encoding: TensorEncoding, candidates: [Candidate]) {
      (self.tensors, self.encoding, self.candidates) = (tensors, encoding, candidates)
    }
  }

  /// The most bits that were allowed.
  package let targetBits: Double
  /// The mean bits of a weight over all linear layers, those with an exception of their own among them.
  package let bits: Double
  /// The choices, in the order of the table of tensors.
  package let choices: [Choice]
  /// What the estimates come from, each under its name, for the file's metadata.
  package let calibration: [String: String]

  private enum CodingKeys: String, CodingKey { case targetBits, bits, choices, calibration }

  /// A budget that was spent.
  package init(targetBits: Double, bits: Double, choices: [Choice], calibration: [String: String]) {
    (self.targetBits, self.bits, self.choices) = (targetBits, bits, choices)
    self.calibration = calibration
  }

  /// What a file's metadata says (`recipe.budget` in `Formats/native.md`).
  var record: [String: String] {
    calibration.merging(["targetBits": "\(targetBits)", "bits": "\(bits)"]) { $1 }
  }
}

extension QuantizationRecipe {
  /// Whether a person has said what a tensor gets.
  package func hasException(for tensor: TensorSpecification) -> Bool {
    overrides.contains { $0.applies(to: tensor) }
  }

  /// Follows a budget: each kind of linear layers gets the encoding that most of its tensors have, the others
  /// become exceptions, in front of those that there are.
  package mutating func follow(_ budget: EncodingBudget, in table: TensorTable) throws {
    var chosen: [TensorKind: [(name: String, encoding: TensorEncoding)]] = [:]
    for choice in budget.choices {
      for name in choice.tensors {
        guard let tensor = table.specification(named: name) else { continue }
        chosen[TensorKind(of: tensor), default: []].append((name, choice.encoding))
      }
    }
    var exceptions: [Override] = []
    for kind in TensorKind.allCases {
      guard let tensors = chosen[kind] else { continue }
      let counts = Dictionary(grouping: tensors, by: \.encoding).mapValues(\.count)
      guard let most = counts.max(by: { ($0.value, $1.key.label) < ($1.value, $0.key.label) })?.key else {
        continue
      }
      try set(kind, to: .encoding(most))
      exceptions += tensors.filter { $0.encoding != most }.map {
        Override(pattern: $0.name, rule: .encoding($0.encoding))
      }
    }
    overrides = exceptions + overrides
    self.budget = budget
  }
}
