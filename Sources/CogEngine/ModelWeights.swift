import CogBase
package import CogCompute
package import CogModel
package import CogNative

/// The tensors of a native file as the engine uses them, by role.
///
/// Matrices are views of the mapped file; vectors (norms, biases) are copied to float32 when asked for.
package struct ModelWeights: Sendable {
  /// The file.
  package let file: NativeFile

  /// The weights of an open file.
  package init(_ file: NativeFile) { self.file = file }

  /// A tensor as a matrix `[first dimension, product of the others]`, used where it lies.
  ///
  /// - Throws: ``CogError`` when the model has no tensor of that role in that layer.
  package func matrix(_ role: TensorRole, layer: Int? = nil) throws -> WeightMatrix {
    let tensor = try tensor(role, layer)
    return try WeightMatrix(
      encoding: tensor.encoding, rows: tensor.shape.rows, columns: tensor.shape.columns,
      bytes: file.bytes(of: tensor))
  }

  /// A small tensor's values in float32, flattened.
  ///
  /// - Throws: ``CogError`` as ``matrix(_:layer:)``.
  package func vector(_ role: TensorRole, layer: Int? = nil) throws -> [Float] {
    let tensor = try tensor(role, layer)
    let count = tensor.shape.elementCount
    let flat = try WeightMatrix(
      encoding: tensor.encoding, rows: 1, columns: count, bytes: file.bytes(of: tensor))
    return try flat.dequantizedRows(0..<1).values
  }

  private func tensor(_ role: TensorRole, _ layer: Int?) throws -> TensorEntry {
    guard let name = file.table.specification(role, layer: layer)?.name, let tensor = file.entry(named: name)
    else {
      throw CogError(
        "the model has no such tensor", file: file.path,
        subject: "\(role.rawValue)\(layer.map { " of layer \($0)" } ?? "")")
    }
    return tensor
  }
}
