import CogBase
package import CogCompute

/// The Cholesky factor of the second moments of a layer's inputs, in the order in which GPTQ rounds columns.
package struct InputFactor {
  /// L with `P H P^T = L L^T`, `[columns, columns]`, lower triangle.
  package let factor: FloatMatrix
  /// Which column stands where: by second moment, the least first. The last one is rounded first, so that
  /// those that matter most are rounded while most others can still make up for their errors (act-order).
  package let order: [Int]
  /// What was added to the diagonal, as a share of its mean.
  package let damping: Float
  /// Columns in which the calibration set has nothing but zeros.
  package let deadColumns: Int

  /// The most that is added to the diagonal before a matrix counts as hopeless.
  private static let mostDamping: Float = 10

  /// Factorizes second moments, with more damping where they are not positive definite.
  ///
  /// - Parameters:
  ///   - gram: the second moments; they are kept.
  ///   - damping: what is added to the diagonal, as a share of its mean.
  ///   - name: the weight whose input it is, for errors.
  /// - Throws: `CogError` when a sum is NaN or infinite; what the context's cancellation throws.
  package init(_ gram: GramMatrix, damping: Float, name: String, context: RunContext) throws {
    let n = gram.size
    let diagonal = (0..<n).map { gram.values[$0, $0] }
    guard diagonal.allSatisfy(\.isFinite) else {
      throw CogError(
        "what goes into a layer is NaN or infinite, or too large to be squared", code: .notFinite,
        subject: name, advice: "Look at the model with cogvlm stats --activations.")
    }
    let mean = Float(diagonal.reduce(0) { $0 + Double($1) } / Double(n))
    order = diagonal.indices.sorted { (diagonal[$0], $0) < (diagonal[$1], $1) }
    deadColumns = diagonal.count { $0 == 0 }
    let factor = FloatMatrix(uninitializedRows: n, columns: n)
    var damping = damping
    while true {
      // Without any input every column is as good as the next: plain rounding.
      let added = mean > 0 ? damping * mean : 1
      Self.permute(gram.values, order, adding: added, into: factor, context.threads)
      if try CholeskyFactor.replace(factor, context: context) { break }
      damping = max(damping, 1e-3) * 10
      guard damping <= Self.mostDamping else {
        throw CogError("the inputs of a layer cannot be factorized", code: .notFinite, subject: name)
      }
    }
    self.factor = factor
    self.damping = damping
  }

  /// Writes the lower triangle with rows and columns in another order, and adds to its diagonal.
  private static func permute(
    _ values: FloatMatrix, _ order: [Int], adding added: Float, into target: FloatMatrix,
    _ threads: ThreadPool
  ) {
    let n = values.rows
    threads.parallelFor(n) { row in
      let to = target.row(row)
      let original = order[row]
      for column in 0...row {
        let other = order[column]
        to[column] = values.pointer[max(original, other) * n + min(original, other)]
      }
      to[row] += added
      for column in row + 1..<max(row + 1, n) { to[column] = 0 }
    }
  }
}
