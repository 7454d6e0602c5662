import CKernels
import Glibc
import Synchronization

/// Threads that live as long as the pool and share out the iterations of one loop at a time.
package final class ThreadPool: Sendable {
  /// Threads that work on a loop, the caller's included.
  package let threadCount: Int
  private let state: PoolState

  /// How many threads somebody may ask for.
  package static let countRange = 1...1024

  /// A pool of `threadCount` threads (at least 1), the caller's included. Where the system refuses a thread,
  /// the pool works with those that it has.
  package init(threadCount: Int) {
    self.threadCount = max(1, threadCount)
    state = PoolState(threadCount: self.threadCount)
    for number in 1..<self.threadCount { state.startWorker(number) }
  }

  /// A pool with one thread for each processor that this process may use.
  package convenience init() { self.init(threadCount: cog_processor_count()) }

  deinit { state.stop() }

  /// Calls `body` with 0, 1, ... `count - 1`, in any order and at the same time, and returns when all calls
  /// have.
  ///
  /// A thread takes indexes that follow one another, and another's when its own are done: what lies side by
  /// side in memory is read in one stream, which the processor fetches ahead.
  /// A call from inside `body`, or from another thread while the pool is busy, runs in the calling thread.
  package func parallelFor(_ count: Int, _ body: (Int) -> Void) {
    guard count > 1, threadCount > 1, state.acquire() else {
      for index in 0..<max(0, count) { body(index) }
      return
    }
    withoutActuallyEscaping(body) { escapable in
      withUnsafePointer(to: escapable) { state.run(PoolJob(body: $0, count: count)) }
    }
    state.release()
  }

  /// What `body` gives for 0, 1, ... `count - 1`, in that order, from all threads: as ``parallelFor(_:_:)``,
  /// and every call is made even where another throws.
  package func results<Value>(_ count: Int, _ body: (Int) throws -> Value) -> [Result<Value, any Error>] {
    typealias Slot = Result<Value, any Error>
    return [Slot](unsafeUninitializedCapacity: count) { slots, initialized in
      guard let base = slots.baseAddress else { return }
      parallelFor(count) { index in (base + index).initialize(to: Result { try body(index) }) }
      initialized = count
    }
  }
}

/// A loop to share out. The closure lives in the frame of the caller, who waits for all threads.
private struct PoolJob {
  let body: UnsafePointer<(Int) -> Void>
  let count: Int
}

/// What the threads of a pool share. `lock` guards `job`, `isStopping` and the changes of the atomic numbers
/// that say so.
///
/// A loop of decoding takes some tens of microseconds, as long as it takes the system to wake a thread. So a
/// thread that has nothing to do looks out for work a while before it sleeps.
private final class PoolState: @unchecked Sendable {
  /// How often a waiting thread looks before it sleeps: some 50 to 150 microseconds.
  private static let spinsBeforeSleep = 4000

  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let workAvailable = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let workDone = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let isBusy = Atomic<Bool>(false)
  private let shares: [Share]
  /// Jobs so far; changed with the lock held.
  private let generation = Atomic<Int>(0)
  /// Threads at work on the job besides the caller; changed with the lock held.
  private let active = Atomic<Int>(0)
  private var job: PoolJob?
  private var sleepers = 0
  private var isStopping = false

  init(threadCount: Int) {
    shares = (0..<threadCount).map { _ in Share() }
    pthread_mutex_init(lock, nil)
    pthread_cond_init(workAvailable, nil)
    pthread_cond_init(workDone, nil)
  }

  deinit {
    pthread_mutex_destroy(lock)
    pthread_cond_destroy(workAvailable)
    pthread_cond_destroy(workDone)
    lock.deallocate()
    workAvailable.deallocate()
    workDone.deallocate()
  }

  /// Starts a detached thread that holds on to this object until ``stop()``. Number 0 is the caller of a
  /// loop.
  func startWorker(_ number: Int) {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(PoolWorker(state: self, number: number))
    let status = pthread_create(
      &thread, nil,
      { raw in
        guard let raw else { return nil }
        let worker = Unmanaged<PoolWorker>.fromOpaque(raw).takeRetainedValue()
        worker.state.work(worker.number)
        return nil
      }, context.toOpaque())
    if status == 0 { pthread_detach(thread) } else { context.release() }
  }

  func stop() {
    pthread_mutex_lock(lock)
    isStopping = true
    generation.wrappingAdd(1, ordering: .releasing)
    pthread_cond_broadcast(workAvailable)
    pthread_mutex_unlock(lock)
  }

  func acquire() -> Bool { !isBusy.exchange(true, ordering: .acquiring) }

  func release() { isBusy.store(false, ordering: .releasing) }

  /// Shares out a job, takes part in it, and waits for the threads that joined.
  func run(_ newJob: PoolJob) {
    pthread_mutex_lock(lock)
    for (number, share) in shares.enumerated() {
      share.next.store(Self.firstIndex(number, of: shares.count, in: newJob), ordering: .relaxed)
    }
    job = newJob
    generation.wrappingAdd(1, ordering: .releasing)
    if sleepers > 0 { pthread_cond_broadcast(workAvailable) }
    pthread_mutex_unlock(lock)
    drain(newJob, number: 0)
    pthread_mutex_lock(lock)
    job = nil  // a thread that comes only now finds nothing to join
    pthread_mutex_unlock(lock)
    spin(until: { active.load(ordering: .acquiring) == 0 })
    pthread_mutex_lock(lock)
    while active.load(ordering: .relaxed) > 0 { pthread_cond_wait(workDone, lock) }
    pthread_mutex_unlock(lock)
  }

  func work(_ number: Int) {
    var lastGeneration = 0
    while true {
      spin(until: { generation.load(ordering: .acquiring) != lastGeneration })
      pthread_mutex_lock(lock)
      while generation.load(ordering: .relaxed) == lastGeneration, !isStopping {
        sleepers += 1
        pthread_cond_wait(workAvailable, lock)
        sleepers -= 1
      }
      lastGeneration = generation.load(ordering: .relaxed)
      let (current, ends) = (job, isStopping)
      if current != nil { active.wrappingAdd(1, ordering: .relaxed) }
      pthread_mutex_unlock(lock)
      if let current {
        drain(current, number: number)
        leave()
      }
      if ends { return }
    }
  }

  /// Counts this thread out of the job; the last one wakes the caller.
  private func leave() {
    pthread_mutex_lock(lock)
    if active.wrappingSubtract(1, ordering: .releasing).newValue == 0 { pthread_cond_signal(workDone) }
    pthread_mutex_unlock(lock)
  }

  /// Spins for a while until a condition holds.
  @inline(__always)
  private func spin(until condition: () -> Bool) {
    for _ in 0..<Self.spinsBeforeSleep {
      if condition() { return }
      cog_pause()
    }
  }

  /// Where a share begins, and the one before it ends.
  private static func firstIndex(_ share: Int, of shareCount: Int, in job: PoolJob) -> Int {
    share * job.count / shareCount
  }

  /// Works on the thread's own share, then on what is left of the others'.
  @inline(never)
  private func drain(_ job: PoolJob, number: Int) {
    // Once: its context has a reference count, over which the threads would get into each other's way.
    let body = job.body.pointee
    for offset in 0..<shares.count {
      let part = (number + offset) % shares.count
      let end = Self.firstIndex(part + 1, of: shares.count, in: job)
      while true {
        let index = shares[part].next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < end else { break }
        body(index)
      }
    }
  }
}

/// A thread that waits for jobs.
private final class PoolWorker {
  let state: PoolState
  let number: Int

  init(state: PoolState, number: Int) {
    self.state = state
    self.number = number
  }
}

/// A thread's part of a loop's indexes.
private final class Share: Sendable {
  /// The first index that no thread has taken yet.
  let next = Atomic<Int>(0)
  /// Keeps the numbers of two threads out of one cache line.
  private let padding: (Int, Int, Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0, 0, 0)
}
