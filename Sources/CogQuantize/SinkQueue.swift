import CogBase
package import CogModel
import Dispatch
import Synchronization

/// Writes blocks to a sink and computes their checksums on a thread of its own, while the next blocks are
/// encoded.
///
/// What fails there is thrown by the next call, as a ``Failure``: it says nothing about the tensor that is
/// encoded then.
package final class SinkQueue: @unchecked Sendable {
  /// What went wrong while earlier blocks were written.
  package struct Failure: Error {
    package let cause: any Error
  }

  /// Blocks that wait or are being written.
  private static let mostBlocks = 3

  /// These two are used by jobs of `queue` only, one after another, and the sink by the caller of
  /// ``finish()`` after the last one.
  private let sink: any ModelSink
  private var current: TensorWriter?
  private let queue = DispatchQueue(label: "writing", qos: .userInitiated)
  private let slots = DispatchSemaphore(value: mostBlocks)
  private let failure = Mutex<(any Error)?>(nil)

  /// A thread that writes to `sink`, which nobody else uses until ``finish()`` or ``cancel()`` returned.
  package init(_ sink: any ModelSink) { self.sink = sink }

  /// Starts a tensor.
  ///
  /// - Parameter placing: whether it gets its place now.
  /// - Throws: ``Failure``.
  package func begin(_ slot: TensorSlot, placing: Bool = false) throws {
    try enqueue { [self] in
      if placing { try sink.reserve([slot]) }
      current = try sink.begin(slot)
    }
  }

  /// Takes a tensor that an earlier run has written. - Throws: ``Failure``.
  func adopt(_ tensor: StoredTensor, placing: Bool) throws {
    try enqueue { [self] in
      if placing { try sink.reserve([tensor.slot]) }
      try sink.adopt(tensor)
    }
  }

  /// Hands a block over; waits while too many are under way.
  ///
  /// - Parameter afterwards: called on the writing thread once the block's bytes are not needed any more.
  /// - Throws: ``Failure``; `afterwards` is called all the same.
  package func write(_ block: FinishedBlock, afterwards: @escaping @Sendable () -> Void) throws {
    slots.wait()
    queue.async { [self] in
      perform { try block.bytes.withUnsafeBytes { try current?.write($0) } }
      afterwards()
      slots.signal()
    }
    try check()
  }

  /// Ends the tensor that was begun.
  ///
  /// - Parameter whenStored: called on the writing thread with what was stored.
  /// - Throws: ``Failure``.
  package func end(
    error: StorageError, whenStored: @escaping @Sendable (StoredTensor) throws -> Void = { _ in }
  ) throws {
    try enqueue { [self] in
      guard let writer = current.take() else { return }
      try whenStored(try writer.end(error: error))
    }
  }

  /// Waits until everything handed over is written.
  ///
  /// - Throws: ``Failure``.
  package func finish() throws {
    queue.sync {}
    try check()
  }

  /// Makes what is still waiting do nothing, and waits for the block that is being written.
  package func cancel() {
    failure.withLock { $0 = $0 ?? CancellationError() }
    queue.sync {}
  }

  private func enqueue(_ job: @escaping @Sendable () throws -> Void) throws {
    queue.async { [self] in perform(job) }
    try check()
  }

  /// Runs a job, unless an earlier one failed: a block that is missing cannot be made up for.
  private func perform(_ job: () throws -> Void) {
    guard failure.withLock({ $0 == nil }) else { return }
    do {
      try job()
    } catch {
      failure.withLock { $0 = $0 ?? error }
    }
  }

  private func check() throws {
    if let cause = failure.withLock({ $0 }) { throw Failure(cause: cause) }
  }
}
