import CKernels
import Glibc
import Synchronization

/// Threads that live as long as the pool and share out the iterations of one loop at a time.
public final class ThreadPool: Sendable {
  /// A pool with one thread for each processor that this process may use.
  public static let shared = ThreadPool(threadCount: cog_processor_count())

  /// Threads that work on a loop, the caller's included.
  public let threadCount: Int
  private let state = PoolState()

  /// A pool of `threadCount` threads (at least 1), the caller's included. Where the system refuses a thread, the
  /// pool works with those that it has.
  public init(threadCount: Int) {
    self.threadCount = max(1, threadCount)
    for _ in 1..<max(1, threadCount) { state.startWorker() }
  }

  deinit { state.stop() }

  /// Calls `body` with 0, 1, ... `count - 1`, in any order and at the same time, and returns when all calls have.
  ///
  /// A call from inside `body`, or from another thread while the pool is busy, runs in the calling thread.
  public func parallelFor(_ count: Int, _ body: (Int) -> Void) {
    guard count > 1, threadCount > 1, state.acquire() else {
      for index in 0..<max(0, count) { body(index) }
      return
    }
    withoutActuallyEscaping(body) { escapable in
      withUnsafePointer(to: escapable) { state.run(PoolJob(body: $0, count: count)) }
    }
    state.release()
  }
}

/// A loop to share out. The closure lives in the frame of the caller, who waits for all threads.
private struct PoolJob {
  let body: UnsafePointer<(Int) -> Void>
  let count: Int
}

/// What the threads of a pool share. `lock` guards `job`, `isStopping` and the changes of the atomic numbers that say so.
///
/// A loop of decoding takes some tens of microseconds, as long as it takes the system to wake a thread. So a thread
/// that has nothing to do looks out for work a while before it sleeps.
private final class PoolState: @unchecked Sendable {
  /// How often a waiting thread looks before it sleeps: some 50 to 150 microseconds.
  private static let looksBeforeSleep = 4000

  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let workAvailable = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let workDone = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let isBusy = Atomic<Bool>(false)
  private let nextIndex = Atomic<Int>(0)
  /// Jobs so far; changed with the lock held.
  private let generation = Atomic<Int>(0)
  /// Threads at work on the job besides the caller; changed with the lock held.
  private let active = Atomic<Int>(0)
  private var job: PoolJob?
  private var sleepers = 0
  private var isStopping = false

  init() {
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

  /// Starts a detached thread that holds on to this object until ``stop()``.
  func startWorker() {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, nil,
      { raw in
        guard let raw else { return nil }
        Unmanaged<PoolState>.fromOpaque(raw).takeRetainedValue().work()
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
    nextIndex.store(0, ordering: .relaxed)
    job = newJob
    generation.wrappingAdd(1, ordering: .releasing)
    if sleepers > 0 { pthread_cond_broadcast(workAvailable) }
    pthread_mutex_unlock(lock)
    drain(newJob)
    pthread_mutex_lock(lock)
    job = nil  // a thread that comes only now finds nothing to join
    pthread_mutex_unlock(lock)
    look { active.load(ordering: .acquiring) == 0 }
    pthread_mutex_lock(lock)
    while active.load(ordering: .relaxed) > 0 { pthread_cond_wait(workDone, lock) }
    pthread_mutex_unlock(lock)
  }

  private func work() {
    var lastGeneration = 0
    while true {
      look { generation.load(ordering: .acquiring) != lastGeneration }
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
        drain(current)
        leave()
      }
      if ends { return }
    }
  }

  /// Says that this thread has left the job.
  private func leave() {
    pthread_mutex_lock(lock)
    if active.wrappingSubtract(1, ordering: .releasing).newValue == 0 { pthread_cond_signal(workDone) }
    pthread_mutex_unlock(lock)
  }

  /// Looks for a while whether something is so.
  @inline(__always)
  private func look(_ isSo: () -> Bool) {
    for _ in 0..<Self.looksBeforeSleep {
      if isSo() { return }
      cog_pause()
    }
  }

  @inline(never)
  private func drain(_ job: PoolJob) {
    while true {
      let index = nextIndex.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < job.count else { return }
      job.body.pointee(index)
    }
  }
}
