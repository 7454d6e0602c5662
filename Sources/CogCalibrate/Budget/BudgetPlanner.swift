import CogBase
package import CogCompute
package import CogModel
package import CogQuantize

/// Chooses encodings for the linear layers of a model so that their mean bits stay below a target and what
/// that costs, as far as the moments of a calibration tell, is least.
///
/// Each layer is quantized in each candidate on a sample of its panels; what that changes in its outputs,
/// over their energy and times the share that its block has in the residual stream (``ResidualShares``), is
/// its damage. The sum of the damage is minimized (``BudgetAllocation``), as far as frames and prompts are
/// read at nine tenths of the speed of int4 in groups of 64 for as many bits (``BudgetTimes``).
package struct BudgetPlanner {
  /// What linear layers can get.
  package static let candidates: [TensorEncoding] = [
    .int4(groupSize: 128), .int4(groupSize: 64), .int4(groupSize: 32), .int8(groupSize: 64),
    .plain(.bfloat16),
  ]

  private let source: ModelSource
  private let calibration: Calibration
  private let tokens: TokenWeights
  private let context: RunContext
  private let table: TensorTable

  /// A planner for a float model.
  ///
  /// - Parameters:
  ///   - calibration: of this model.
  ///   - tokens: how much tokens of text count.
  package init(source: ModelSource, calibration: Calibration, tokens: TokenWeights, context: RunContext) {
    (self.source, self.calibration, self.tokens, self.context) = (source, calibration, tokens, context)
    table = TensorTable(source.configuration)
  }

  /// Chooses.
  ///
  /// - Parameters:
  ///   - targetBits: the most mean bits of a weight of the linear layers, scales included; embedding table
  ///     and head do not count.
  ///   - recipe: its exceptions stand, and count.
  /// - Throws: `CogError` when the target is below the smallest candidates' bits or above the largest one's,
  ///   the calibration is of another model, or a tensor is damaged; what the context's cancellation throws.
  package func plan(targetBits: Double, recipe: QuantizationRecipe) throws -> EncodingBudget {
    try recipe.checkOverrides(against: table)
    let units = BudgetUnit.all(table, recipe: recipe)
    let sizes = try units.map { unit in try Self.candidates.map { try unit.byteCount(as: $0) } }
    let linear = table.specifications.filter(\.isBudgeted)
    let weights = try linear.reduce(0) {
      try Checked.add($0, $1.shape.checkedElementCount(), "weights of all linear layers")
    }
    let fixed = try fixedBytes(linear.filter(recipe.hasException), recipe)
    func bits(_ bytes: Int) -> Double { 8 * Double(bytes) / Double(max(1, weights)) }
    let least = bits(sizes.reduce(fixed) { $0 + ($1.min() ?? 0) })
    let most = bits(sizes.reduce(fixed) { $0 + ($1.max() ?? 0) })
    guard targetBits >= least, targetBits <= most else {
      throw CogError(
        "the linear layers cannot have so many bits", subject: "--target-bits",
        expected: "\(least) to \(most) bits for each weight, scales included", found: "\(targetBits)",
        advice: targetBits < least ? "int4/128 is the smallest encoding that there is." : nil)
    }
    let damage = try damage(of: units)
    let allocation = BudgetAllocation(
      units.indices.map { unit in
        BudgetAllocation.Unit(
          candidates: Self.candidates.indices.map {
            BudgetAllocation.Candidate(
              bytes: sizes[unit][$0], damage: damage[unit][$0],
              time: BudgetTimes.time(of: units[unit], as: Self.candidates[$0]))
          }, part: units[unit].part)
      },
      limit: Int((targetBits * Double(weights) / 8).rounded(.down)) - fixed,
      timeLimits: try BudgetTimes.limits(units, targetBits: targetBits))
    guard let allocation else { throw CogError("the budget has no choice", subject: "--target-bits") }
    let choices = units.indices.map { index in
      EncodingBudget.Choice(
        tensors: units[index].tensors.map(\.name), encoding: Self.candidates[allocation.choices[index]],
        candidates: Self.candidates.indices.map {
          EncodingBudget.Candidate(
            encoding: Self.candidates[$0],
            bits: 8 * Double(sizes[index][$0]) / Double(max(1, units[index].weightCount)),
            damage: damage[index][$0])
        })
    }
    return EncodingBudget(
      targetBits: targetBits, bits: bits(allocation.bytes + fixed), choices: choices,
      calibration: ["moments": calibration.digest ?? "", "textWeight": "\(tokens.text)"])
  }

  /// Bytes of the layers that have an exception.
  private func fixedBytes(_ tensors: [TensorSpecification], _ recipe: QuantizationRecipe) throws -> Int {
    try tensors.reduce(0) { sum, tensor in
      guard let entry = source.tensors.entry(named: tensor.name) else {
        throw source.tensors.missing(tensor.name)
      }
      let encoding = recipe.encoding(of: tensor, sourceType: entry.encoding.plainType ?? .bfloat16)
      return try sum + encoding.byteCount(of: tensor.shape)
    }
  }

  /// The damage of each candidate, for each unit.
  private func damage(of units: [BudgetUnit]) throws -> [[Double]] {
    let meter = LossMeter(
      source: source, calibration: calibration,
      method: MomentWeighted(calibration, tokens: tokens, configuration: source.configuration),
      candidates: Self.candidates, context: context)
    let vectors = VectorReader(source: source, table: table, context: context)
    // The outputs of layers that have an exception are part of the stream too.
    let linear = table.specifications.filter(\.isBudgeted)
    let progress = context.progress.begin(
      "measuring what encodings cost", total: linear.reduce(0) { $0 + $1.shape.elementCount })
    defer { progress.finish() }
    var losses: [String: LayerLosses] = [:]
    for tensor in linear {
      do {
        losses[tensor.name] = try meter.measure(
          tensor, bias: try tensor.role.bias.flatMap { try vectors.values($0, tensor.layer) })
      } catch var error as CogError {
        error.subject = error.subject ?? tensor.name
        throw error
      }
      progress.advance(by: tensor.shape.elementCount, tensor.name)
    }
    let shares = try ResidualShares(
      table, source.configuration, energies: losses.mapValues(\.energy), vectors: vectors)
    let weights = tokenShares
    return units.map { unit in
      Self.candidates.indices.map { candidate in
        unit.tensors.reduce(0) { sum, tensor in
          guard let loss = losses[tensor.name] else { return sum }
          return sum + (loss.relativeErrors(candidate) * shares[tensor] * weights).sum
        }
      }
    }
  }

  /// How much image tokens and tokens of text count, together 1.
  private var tokenShares: TokenMeasure {
    let counts = calibration.fields.counts
    let (image, text) = (Double(counts.imageTokens), Double(counts.textTokens) * Double(tokens.text))
    return TokenMeasure(image: image, text: text) * (1 / max(1, image + text))
  }
}

extension TensorRole {
  /// The bias of a linear layer's weight.
  var bias: TensorRole? {
    switch self {
    case .visionQueryKeyValue: .visionQueryKeyValueBias
    case .visionAttentionOutput: .visionAttentionOutputBias
    case .visionMLPIn: .visionMLPInBias
    case .visionMLPOut: .visionMLPOutBias
    default: nil
    }
  }
}
