import CogBase
import CogCompute
import CogModel
import CogQuantize

/// How much of the residual stream the output of a block is where it is added: a relative error of the
/// block's output is one of the stream, times this share. What goes into the block's inner layers passes as
/// a relative error of its output.
///
/// In the language model the energy of the stream is that of the embedding and of all outputs so far. In
/// the vision tower, which adds normalized outputs (x + LN(f(x))), it is that of all outputs so far: the
/// patch embedding is left out, since most of its energy are positions and channels that are alike in all
/// frames. The adapter makes a new stream.
struct ResidualShares {
  private var shares: [Place: TokenMeasure] = [:]

  private struct Place: Hashable {
    let role: TensorRole
    let layer: Int?
  }

  /// The share of a linear layer's block, for image and text tokens.
  subscript(tensor: TensorSpecification) -> TokenMeasure {
    shares[Place(role: tensor.role, layer: tensor.layer)] ?? .one
  }

  /// Computes all shares.
  ///
  /// - Parameters:
  ///   - energies: of the outputs of linear layers, by the name of the weight.
  ///   - vectors: reads norms.
  /// - Throws: `CogError` when the model lacks a tensor.
  init(
    _ table: TensorTable, _ configuration: ModelConfiguration, energies: [String: TokenMeasure],
    vectors: VectorReader
  ) throws {
    func energy(_ role: TensorRole, _ layer: Int?) -> TokenMeasure {
      table.specification(role, layer: layer).flatMap { energies[$0.name] } ?? .zero
    }
    func add(_ share: TokenMeasure, _ roles: [TensorRole], _ layer: Int?) {
      for role in roles { shares[Place(role: role, layer: layer)] = share }
    }
    // The tower has no text.
    var added = 0.0
    for layer in 0..<configuration.vision.layerCount {
      let blocks: [(scale: TensorRole, offset: TensorRole, roles: [TensorRole])] = [
        (
          .visionAttentionNorm, .visionAttentionNormBias,
          [.visionQueryKeyValue, .visionAttentionOutput]
        ),
        (.visionMLPNorm, .visionMLPNormBias, [.visionMLPIn, .visionMLPOut]),
      ]
      for block in blocks {
        let output = try vectors.energy(block.scale, layer) + vectors.energy(block.offset, layer)
        added += output
        add(
          TokenMeasure(image: output, text: 0) / TokenMeasure(image: added, text: 0), block.roles,
          layer)
      }
    }
    var stream = TokenMeasure(
      image: energy(.adapterDown, nil).image, text: try vectors.meanRowEnergy(.tokenEmbedding))
    for layer in 0..<configuration.layerCount {
      let blocks: [(TensorRole, [TensorRole])] = [
        (.attentionOutput, [.queryKeyValue, .attentionOutput]),
        (.mlpDown, [.mlpGate, .mlpUp, .mlpDown]),
      ]
      for (output, roles) in blocks {
        stream = stream + energy(output, layer)
        add(energy(output, layer) / stream, roles, layer)
      }
    }
  }
}

/// Reads tensors that are no weights of linear layers.
struct VectorReader {
  let source: ModelSource
  let table: TensorTable
  let context: RunContext

  /// Rows of a table whose energy is looked at, about.
  private static let rowCount = 1024

  /// The values of a tensor; nil where the model has none of the role.
  func values(_ role: TensorRole, _ layer: Int?) throws -> [Float]? {
    guard let specification = table.specification(role, layer: layer) else { return nil }
    let (entry, bytes) = try source.tensors.tensor(named: specification.name)
    return try floats(bytes, entry, count: specification.shape.elementCount)
  }

  /// The sum of the squares.
  func energy(_ role: TensorRole, _ layer: Int?) throws -> Double {
    (try values(role, layer) ?? []).reduce(0) { $0 + Double($1) * Double($1) }
  }

  /// The mean energy of the rows of a table, over rows at equal distances.
  func meanRowEnergy(_ role: TensorRole) throws -> Double {
    guard let specification = table.specification(role) else { return 0 }
    let entry = source.tensors.entry(named: specification.name)
    guard let entry else { throw source.tensors.missing(specification.name) }
    let bytes = try source.tensors.wholeBytes(of: entry)
    defer { source.tensors.release(entry) }
    let (rows, rowBytes) = (entry.shape.rows, bytes.count / max(1, entry.shape.rows))
    let places = stride(from: 0, to: rows, by: max(1, rows / Self.rowCount))
    var (sum, count) = (0.0, 0)
    for row in places {
      let values = try floats(
        bytes[row * rowBytes..<(row + 1) * rowBytes], entry, count: entry.shape.columns)
      sum += values.reduce(0) { $0 + Double($1) * Double($1) }
      count += 1
    }
    return sum / Double(max(1, count))
  }

  private func floats(_ bytes: OwnedBytes, _ entry: TensorEntry, count: Int) throws -> [Float] {
    guard let type = entry.encoding.plainType else { throw source.tensors.missing(entry.name) }
    return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      try bytes.withUnsafeBytes {
        try context.kernels.convert(
          $0, of: type, to: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      }
      initialized = count
    }
  }
}
