import CogBase
package import CogCompute
package import CogModel

/// Makes layers of a model's tensors when the model opens: the one place where the engine looks up names and
/// shapes.
///
/// Matrices stay where they lie; vectors (norms, biases) are expanded to float32.
package struct WeightBinder: Sendable {
  /// The arithmetic of the layers.
  package let compute: Compute
  /// The model's sizes.
  package let configuration: ModelConfiguration
  private let store: any TensorStore
  private let table: TensorTable
  private let observer: (any InputObserver)?
  private var number: Int?

  /// Binds the tensors that belong to no layer of their own.
  ///
  /// - Parameters:
  ///   - store: a native file or a checkpoint.
  ///   - configuration: the sizes of the model that it has.
  ///   - observer: is shown what goes into the linear layers.
  package init(
    _ store: any TensorStore, configuration: ModelConfiguration, compute: Compute,
    observer: (any InputObserver)? = nil
  ) {
    self.store = store
    self.observer = observer
    self.compute = compute
    self.configuration = configuration
    table = TensorTable(configuration)
  }

  /// Binds the tensors of a layer of the language model or the vision tower.
  package func layer(_ number: Int) -> WeightBinder {
    var binder = self
    binder.number = number
    return binder
  }

  /// A tensor as a matrix `[first dimension, product of the others]`, used where it lies.
  ///
  /// - Throws: ``CogError`` when the model has no tensor of that role, as do all functions below.
  package func matrix(_ role: TensorRole) throws -> WeightMatrix {
    let tensor = try tensor(role)
    return try WeightMatrix(
      encoding: tensor.encoding, rows: tensor.shape.rows, columns: tensor.shape.columns,
      bytes: store.bytes(of: tensor))
  }

  /// How a tensor's elements are stored.
  package func encoding(of role: TensorRole) throws -> TensorEncoding { try tensor(role).encoding }

  /// A small tensor's values in float32, flattened.
  package func vector(_ role: TensorRole) throws -> [Float] {
    let tensor = try tensor(role)
    let flat = try WeightMatrix(
      encoding: tensor.encoding, rows: 1, columns: tensor.shape.elementCount, bytes: store.bytes(of: tensor))
    return try flat.dequantizedRows(0..<1, kernels: compute.kernels).values
  }

  /// A small tensor's values as rows of activations, in bfloat16 mode rounded.
  package func rows(_ role: TensorRole, columns: Int) throws -> FloatMatrix {
    let values = try vector(role)
    let rows = FloatMatrix(values, rows: values.count / columns, columns: columns)
    compute.round(rows)
    return rows
  }

  /// A linear layer.
  package func linear(
    _ weight: TensorRole, bias: TensorRole? = nil, precision: ActivationPrecision = .eightBits
  ) throws -> Linear {
    try Linear(
      matrix(weight), bias: bias.map(vector), precision: precision, compute: compute,
      observer: observation(of: weight))
  }

  /// Shows the observer the inputs of a layer, under the weight's name.
  private func observation(of weight: TensorRole) throws -> (@Sendable (FloatMatrix) -> Void)? {
    guard let observer, weight.inputRole == weight else { return nil }
    let name = try tensor(weight).name
    return { observer.observe($0, of: name) }
  }

  /// A norm of the language model.
  package func rmsNorm(_ weight: TensorRole) throws -> RMSNorm {
    try RMSNorm(weight: vector(weight), epsilon: configuration.rmsNormEpsilon, compute: compute)
  }

  /// A norm with a bias.
  package func layerNorm(_ weight: TensorRole, bias: TensorRole, epsilon: Float) throws -> LayerNorm {
    try LayerNorm(weight: vector(weight), bias: vector(bias), epsilon: epsilon, compute: compute)
  }

  /// A convolution, whose window is the weight's.
  package func convolution(_ weight: TensorRole, bias: TensorRole) throws -> WindowConvolution {
    try WindowConvolution(
      matrix(weight), shape: tensor(weight).shape, bias: vector(bias), compute: compute)
  }

  private func tensor(_ role: TensorRole) throws -> TensorEntry {
    guard let name = table.specification(role, layer: number)?.name, let tensor = store.entry(named: name)
    else {
      throw CogError(
        "the model has no such tensor", code: .incomplete, file: store.path,
        subject: "\(role.rawValue)\(number.map { " of layer \($0)" } ?? "")")
    }
    return tensor
  }
}
