import CogBase
import CogCompute
package import CogModel
package import CogQuantize

/// Scales and zero points that minimize squared errors times the second moments of the inputs that they meet:
/// an estimate of what the layer's outputs lose, if its inputs were independent. One pass of the model over a
/// calibration set is enough (``Calibration``), and no second moment of two channels is needed.
///
/// The embedding table and weights whose inputs were not seen are quantized by least squares.
package struct MomentWeighted: QuantizationMethod {
  /// What `--method` calls it.
  package static let name = "moments"
  /// What to know about it, in a few words.
  package static let summary = "least squared error, weighted with what goes into each layer"
  /// What is added to every second moment, as a share of their mean: a channel that was silent in the
  /// calibration may speak later.
  private static let floor = 0.01

  package let record = "least squared error weighted with the second moments of the inputs"
  private let moments: Calibration
  private let tokens: TokenWeights
  private let table: TensorTable

  /// A method with what was measured of the model that is quantized.
  ///
  /// - Parameters:
  ///   - moments: a calibration file.
  ///   - tokens: how much tokens of text count.
  ///   - configuration: the model's sizes.
  package init(_ moments: Calibration, tokens: TokenWeights, configuration: ModelConfiguration) {
    (self.moments, self.tokens) = (moments, tokens)
    table = TensorTable(configuration)
  }

  package var calibration: [String: String]? {
    [
      "moments": moments.digest ?? "", "set": moments.fields.sets.map(\.digest).joined(separator: " "),
      "videos": "\(moments.fields.counts.videos)", "prompts": "\(moments.fields.counts.prompts)",
      "textWeight": "\(tokens.text)",
    ]
  }

  package func quantizer(for slot: TensorSlot) throws -> any PanelQuantizer {
    guard let tensor = table.specification(named: slot.name), tensor.role.isMatrix,
      tensor.role != .tokenEmbedding
    else { return KernelQuantizer(choice: .leastSquares) }
    let inputs = try moments.moments(of: slot.name, columns: slot.shape.columns)
    return KernelQuantizer(choice: .leastSquares, importance: importance(inputs))
  }

  /// The weighted second moment of each channel, of mean 1; nil where there are none but zeros.
  func importance(_ inputs: InputMoments) -> [Float]? {
    var sums = [Double](repeating: 0, count: inputs.columns)
    for (moments, weight) in [(inputs.image, 1), (inputs.text, Double(tokens.text))] {
      guard let moments else { continue }
      for channel in sums.indices { sums[channel] += weight * moments.sumOfSquares[channel] }
    }
    let mean = sums.reduce(0, +) / Double(max(1, sums.count))
    guard mean > 0, mean.isFinite else { return nil }
    return sums.map { Float($0 / mean + Self.floor) }
  }
}
