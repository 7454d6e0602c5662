import CogModel
import Glibc

extension StatisticsReport {
  /// What a person should look at in a tensor.
  package struct Finding: Equatable, Sendable {
    /// What it is.
    package enum Kind: Equatable, Sendable {
      /// So many elements are NaN or infinite.
      case notFinite(nan: Int, infinite: Int)
      /// Groups of elements are all zeros.
      case zeroGroups(ZeroGroups)
      /// The root mean square is this many times the median of the tensors that do the same in other layers.
      case scale(Double)
    }

    /// The tensor.
    package let tensor: TensorStatistics
    /// What was found.
    package let kind: Kind
  }

  /// What stands out: elements that are not finite, groups of zeros, and tensors far larger or smaller than
  /// those of the same role in other layers; in this order, each in the order of the tensors. It follows from
  /// the figures alone, and is a hint: a trained model may have a layer of another scale. Whole rows of zeros
  /// in a table of embeddings are not among them: those are tokens that were never seen.
  package var findings: [Finding] {
    let notFinite = tensors.filter { $0.figures.nan + $0.figures.infinite > 0 }.map {
      Finding(tensor: $0, kind: .notFinite(nan: $0.figures.nan, infinite: $0.figures.infinite))
    }
    let zeros = tensors.compactMap { tensor in
      tensor.zeroGroups.flatMap { groups in
        tensor.hasUnusedRowsOnly ? nil : Finding(tensor: tensor, kind: .zeroGroups(groups))
      }
    }
    let scales = relativeScales
    let apart = tensors.compactMap { tensor in
      scales[tensor.name].flatMap { $0.isApart ? Finding(tensor: tensor, kind: .scale($0.factor)) : nil }
    }
    return notFinite + zeros + apart
  }

  /// How large a tensor's elements are beside those of the same role in other layers.
  package struct RelativeScale: Equatable, Sendable {
    /// The root mean square over the median of all layers' root mean squares.
    package let factor: Double
    /// Whether that is farther from 1 than the other layers' spread explains.
    package fileprivate(set) var isApart: Bool
  }

  /// The relative scales of tensors in layers, by name; those of roles that fewer than three layers have are
  /// left out, and so are zeros.
  package var relativeScales: [String: RelativeScale] {
    var scales: [String: RelativeScale] = [:]
    for grid in LayerGrid.stacks(of: tensors, name: \.name) {
      defer { Self.markWholeLayers(of: grid, in: &scales) }
      for role in grid.roles where !role.isEmpty {
        let sizes = grid.layers.compactMap { layer in
          grid.element(role, layer).flatMap { tensor in
            tensor.figures.rootMeanSquare.flatMap { $0 > 0 ? (name: tensor.name, size: log($0)) : nil }
          }
        }
        guard sizes.count >= 3 else { continue }
        let middle = median(sizes.map(\.size))
        let spread = Self.deviationsOfNormal * median(sizes.map { abs($0.size - middle) })
        for (name, size) in sizes {
          let distance = size - middle
          scales[name] = RelativeScale(
            factor: exp(distance),
            isApart: abs(distance) > max(log(Self.leastFactor), Self.mostSpreads * spread))
        }
      }
    }
    return scales
  }

  /// Marks the tensors of a layer most of which are off to the same side: few layers spread too much for one
  /// tensor alone to be remarkable, and yet a layer as a whole is.
  private static func markWholeLayers(
    of grid: LayerGrid<TensorStatistics>, in scales: inout [String: RelativeScale]
  ) {
    for layer in grid.layers {
      let names = grid.roles.compactMap { grid.element($0, layer)?.name }.filter { scales[$0] != nil }
      for side in [1.0, -1] {
        let off = names.filter { side * log(scales[$0]?.factor ?? 1) > log(leastFactorOfLayer) }
        guard off.count >= 3, Double(off.count) >= 0.75 * Double(names.count) else { continue }
        for name in off { scales[name]?.isApart = true }
      }
    }
  }

  /// A factor that is not remarkable even where most tensors of a layer share it.
  private static let leastFactorOfLayer = 1.2
  /// The standard deviation of a normal distribution over its median distance from the median.
  private static let deviationsOfNormal = 1.4826
  /// A factor that is not remarkable where all other layers are equal.
  private static let leastFactor = 1.3
  /// Standard deviations that are not remarkable among a few dozen layers.
  private static let mostSpreads = 5.0
}

extension TensorStatistics {
  /// Whether it is a table of embeddings whose groups of zeros are whole rows.
  fileprivate var hasUnusedRowsOnly: Bool {
    guard let zeroGroups, TensorTable.hasEnding(of: .tokenEmbedding, name) else { return false }
    let groupsInRow = (shape.columns - 1) / zeroGroups.size + 1
    return zeroGroups.count == zeroGroups.rows * groupsInRow
  }
}

extension Figures {
  /// The root of the mean square of the finite elements; nil for none.
  package var rootMeanSquare: Double? {
    guard let mean, let standardDeviation else { return nil }
    return (mean * mean + standardDeviation * standardDeviation).squareRoot()
  }
}

/// The middle of some numbers, the mean of the two in the middle of an even number of them.
private func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  guard !sorted.isEmpty else { return .nan }
  return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
