package import CogModel

/// What stands out in a calibration: the figures of `cogvlm stats` over a calibration file.
package struct CalibrationReport: Equatable, Sendable, Codable {
  /// The inputs of one kind of token.
  package struct Figures: Equatable, Sendable, Codable {
    /// A channel.
    package struct Channel: Equatable, Sendable, Codable {
      /// Its number, from 0.
      package let index: Int
      /// Its mean and the root of its mean square.
      package let mean: Double
      package let rootMeanSquare: Double
      /// Its largest magnitude.
      package let largest: Double
      /// Its part of the sum of all squares.
      package let share: Double
    }

    /// Tokens.
    package let tokens: Int
    /// Root of the mean square over tokens and channels.
    package let rootMeanSquare: Double
    /// Root mean square of the channels' means: what a bias could carry.
    package let meanRootMeanSquare: Double
    /// The largest magnitude.
    package let largest: Double
    /// ``largest`` over ``rootMeanSquare``; nil where all is 0.
    package let outlierRatio: Double?
    /// The part of the sum of all squares that the largest 1 % of the channels carry, one at least; nil where
    /// all is 0.
    package let topShare: Double?
    /// Channels that were 0 for every token.
    package let deadChannels: Int
    /// Those with the largest sums of squares, the largest first; five at most.
    package let worst: [Channel]
  }

  /// The input of a linear layer.
  package struct Input: Equatable, Sendable, Codable {
    /// The name of the layer's weight; of layers that share the input the first one's.
    package let name: String
    /// The part of the model.
    package let part: ModelPart
    /// The layer in the language model or the tower; nil outside of layers.
    package let layer: Int?
    /// Channels.
    package let columns: Int
    /// Of image tokens; nil where there were none.
    package let image: Figures?
    /// Of text tokens; nil where there were none.
    package let text: Figures?
    /// How alike image and text load the channels: the cosine of their second moments; nil where there is one
    /// kind alone.
    package let similarity: Double?
    /// The root mean square of text over that of images; nil where there is one kind alone.
    package let textOverImage: Double?
  }

  /// The file.
  package let path: String
  /// Its SHA-256, in hexadecimal.
  package let digest: String?
  /// What it says beside the moments.
  package let tool: String
  package let model: CalibrationFields.Model
  package let sets: [CalibrationFields.Set]
  package let settings: CalibrationFields.Settings
  package let counts: CalibrationFields.Counts
  package let failed: [String]
  /// Every input, in the order of the forward pass.
  package var inputs: [Input]

  /// The figures of a calibration.
  package init(_ calibration: Calibration, path: String) {
    self.path = path
    digest = calibration.digest
    let fields = calibration.fields
    (tool, model, sets) = (fields.tool, fields.model, fields.sets)
    (settings, counts, failed) = (fields.settings, fields.counts, fields.failed)
    inputs = calibration.table.names.compactMap { name in
      calibration.table[name].flatMap { Input(name, $0) }
    }
  }

  /// A part of the sum of squares from which few channels are said to carry an input.
  package static let remarkableShare = 0.5

  /// Inputs of which 1 % of the channels carry half of the squares and more, of image or text.
  package var concentrated: [Input] {
    inputs.filter { input in
      [input.image, input.text].contains { ($0?.topShare ?? 0) >= Self.remarkableShare }
    }
  }
}

extension CalibrationReport.Input {
  /// Nil for a name that no model has.
  fileprivate init?(_ name: String, _ moments: InputMoments) {
    guard let meaning = TensorTable.meaning(of: name) else { return nil }
    self.name = name
    (part, layer, columns) = (meaning.part, meaning.layer, moments.columns)
    image = moments.image.map { .init($0) }
    text = moments.text.map { .init($0) }
    guard let image = moments.image, let text = moments.text else {
      (similarity, textOverImage) = (nil, nil)
      return
    }
    let pairs = image.sum.indices.map { (image.secondMoment($0), text.secondMoment($0)) }
    let (a, b) = (pairs.reduce(0) { $0 + $1.0 * $1.0 }, pairs.reduce(0) { $0 + $1.1 * $1.1 })
    let product = pairs.reduce(0) { $0 + $1.0 * $1.1 }
    similarity = a > 0 && b > 0 ? product / (a.squareRoot() * b.squareRoot()) : nil
    let (own, other) = (pairs.reduce(0) { $0 + $1.0 }, pairs.reduce(0) { $0 + $1.1 })
    textOverImage = own > 0 ? (other / own).squareRoot() : nil
  }
}

extension CalibrationReport.Figures {
  fileprivate init(_ moments: ChannelMoments) {
    let channels = moments.sum.indices
    let total = moments.sumOfSquares.reduce(0, +)
    let order = channels.sorted { (moments.sumOfSquares[$1], $0) < (moments.sumOfSquares[$0], $1) }
    func mean(_ sum: Double) -> Double {
      channels.isEmpty ? 0 : (sum / Double(channels.count)).squareRoot()
    }
    tokens = moments.count
    rootMeanSquare = moments.count > 0 ? mean(total / Double(moments.count)) : 0
    meanRootMeanSquare = mean(channels.reduce(0) { $0 + moments.mean($1) * moments.mean($1) })
    largest = Double(moments.largest.max() ?? 0)
    outlierRatio = rootMeanSquare > 0 ? largest / rootMeanSquare : nil
    let top = order.prefix(max(1, channels.count / 100)).reduce(0) { $0 + moments.sumOfSquares[$1] }
    topShare = total > 0 ? top / total : nil
    deadChannels = moments.sumOfSquares.count { $0 == 0 }
    worst = order.prefix(5).map { channel in
      Channel(
        index: channel, mean: moments.mean(channel),
        rootMeanSquare: moments.secondMoment(channel).squareRoot(),
        largest: Double(moments.largest[channel]),
        share: total > 0 ? moments.sumOfSquares[channel] / total : 0)
    }
  }
}
