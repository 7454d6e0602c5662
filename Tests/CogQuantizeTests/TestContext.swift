import CogBase
import CogCompute
import CogModel

extension RunContext {
  /// All threads and the fastest kernels, unless others are given.
  static func test(
    threads: ThreadPool? = nil, kernels: KernelSet? = nil, cancellation: any Cancellation = NeverCancelled()
  ) -> RunContext {
    var context = RunContext(cancellation: cancellation)
    if let threads { context.threads = threads }
    if let kernels { context.kernels = kernels }
    return context
  }
}

extension TokenizerText {
  /// Bytes that stand for a tokenizer where nobody reads it.
  static func unread(_ bytes: [UInt8]) -> TokenizerText { TokenizerText(compact: bytes) { bytes } }
}
