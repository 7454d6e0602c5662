import CKernels

/// The operations of a model in one compute mode.
///
/// Activations are `[tokens, features]`. In ``ComputeMode/bfloat16`` inputs are expected to be bfloat16
/// numbers, and every operation rounds its result once, as PyTorch's modules do; layers round their biases
/// and norm weights when they are made. Sizes that do not match are programming errors and stop the program:
/// what comes from a file is checked where a layer is made.
package struct Compute: Sendable {
  /// Where results are rounded and how weights are multiplied.
  package let mode: ComputeMode
  /// The instruction set.
  package let kernels: KernelSet
  /// The threads that work.
  package let threads: ThreadPool
  /// Whether products of plain weights have the same bits whatever the number of threads, for files that are
  /// made of them; otherwise they are shared out as suits the threads.
  package let isReproducible: Bool

  /// Operations of `mode`, with the fastest kernels of this processor unless others are given.
  package init(
    mode: ComputeMode, kernels: KernelSet = .fastest, threads: ThreadPool = ThreadPool(),
    isReproducible: Bool = false
  ) {
    self.mode = mode
    self.kernels = kernels
    self.threads = threads
    self.isReproducible = isReproducible
  }

  /// In bfloat16 mode rounds every element to bfloat16, in place; in the other modes nothing.
  package func round(_ x: FloatMatrix) {
    forEachPart(of: x) { _, _ in }
  }

  /// `torch.nn.GELU()`, the exact one: `x / 2 * (1 + erf(x / sqrt(2)))`, in place. Rounds.
  ///
  /// In fast mode within `4e-5 |x|`, half a percent of the steps in which 8-bit activations are rounded after
  /// it.
  package func gelu(_ x: FloatMatrix) {
    let table = kernels.table.pointee
    let gelu = mode == .fast ? table.approximate_gelu : table.gelu
    forEachPart(of: x) { gelu(x.pointer + $0, $1) }
  }

  /// `x = silu(x) * y`, the gate of a gated MLP, in place. Rounds both results, while they are in the cache.
  package func gate(_ x: FloatMatrix, by y: FloatMatrix) {
    precondition(x.rows == y.rows && x.columns == y.columns, "a gate of matrices of one shape")
    forEachPart(of: x) {
      kernels.table.pointee.silu(x.pointer + $0, $1)
      roundPart(x.pointer + $0, $1)
      kernels.table.pointee.multiply(x.pointer + $0, y.pointer + $0, $1)
    }
  }

  /// `y += x`, element by element. Rounds.
  package func add(_ x: FloatMatrix, to y: FloatMatrix) {
    precondition(x.rows == y.rows && x.columns == y.columns, "a sum of matrices of one shape")
    forEachPart(of: y) { kernels.table.pointee.add(y.pointer + $0, x.pointer + $0, $1) }
  }
}

extension Compute {
  /// Elements that one task of an elementwise operation works on: few enough for the second-level cache,
  /// enough to pay for a thread's wake-up.
  private static let partCount = 32_768

  var rounds: Bool { mode == .bfloat16 }

  /// Weights of a norm or a bias as the mode uses them.
  func parameters(_ values: [Float]) -> [Float] {
    guard rounds else { return values }
    var rounded = values
    rounded.withUnsafeMutableBufferPointer { kernels.roundToBFloat16($0) }
    return rounded
  }

  func roundPart(_ pointer: UnsafeMutablePointer<Float>, _ count: Int) {
    if rounds { kernels.table.pointee.round_to_bf16(pointer, count) }
  }

  /// Calls `body` with the offset and the length of parts of `x`, in parallel, and rounds each part after it.
  private func forEachPart(of x: FloatMatrix, _ body: (Int, Int) -> Void) {
    threads.parallelFor((x.count + Self.partCount - 1) / Self.partCount) { index in
      let start = index * Self.partCount
      let count = min(Self.partCount, x.count - start)
      body(start, count)
      roundPart(x.pointer + start, count)
    }
  }

  /// Lets `body` write each row of `result` (from, to), and rounds it.
  func mapRows(
    of x: FloatMatrix, to result: FloatMatrix,
    _ body: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  ) {
    precondition(result.rows == x.rows && result.columns == x.columns, "a result of the input's shape")
    let rowsAtOnce = max(1, Self.partCount / max(1, x.columns))
    threads.parallelFor((x.rows + rowsAtOnce - 1) / rowsAtOnce) { index in
      for row in index * rowsAtOnce..<min(x.rows, (index + 1) * rowsAtOnce) {
        body(x.pointer + row * x.columns, result.pointer + row * x.columns)
        roundPart(result.pointer + row * x.columns, x.columns)
      }
    }
  }
}
