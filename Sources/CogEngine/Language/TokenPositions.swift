import CogCompute

/// The rotary frequencies of a model's layers. A published model stores the same ones in every layer; they
/// are kept once, and a layer that differs has its own.
package struct RotaryFrequencies: Sendable {
  /// The place of a layer's frequencies.
  package typealias Table = Int

  private(set) var tables: [[Float]] = []

  /// Adds a layer's frequencies, and returns where they are.
  mutating func insert(_ frequencies: [Float]) -> Table {
    if let known = tables.firstIndex(of: frequencies) { return known }
    tables.append(frequencies)
    return tables.count - 1
  }
}

/// The tokens that go through the language model together: where they are, as each layer's angles.
package struct TokenPositions: Sendable {
  private let tables: [RotaryAngles]

  /// The angles of tokens at rotary positions.
  init(_ positions: [Int], frequencies: RotaryFrequencies, compute: Compute) {
    tables = frequencies.tables.map { RotaryAngles(frequencies: $0, positions: positions, compute: compute) }
  }

  func angles(_ table: RotaryFrequencies.Table) -> RotaryAngles { tables[table] }
}
