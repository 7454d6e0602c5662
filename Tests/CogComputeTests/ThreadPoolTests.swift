import CKernels
import CogBase
import CogCompute
import Foundation
import Synchronization
import Testing

/// A sum that several threads add to.
private final class Total: Sendable {
  private let sum = Atomic<Int>(0)
  var value: Int { sum.load(ordering: .relaxed) }
  func add(_ amount: Int) { sum.wrappingAdd(amount, ordering: .relaxed) }
}

struct ThreadPoolTests {
  @Test("Every index is visited once, whatever the number of threads", arguments: [1, 2, 5])
  func visitsAll(threads: Int) {
    let pool = ThreadPool(threadCount: threads)
    #expect(pool.threadCount == threads)
    for count in [-1, 0, 1, 2, 3, 64, 1000] {
      let visits = Mutex([Int](repeating: 0, count: max(0, count)))
      pool.parallelFor(count) { index in visits.withLock { $0[index] += 1 } }
      #expect(visits.withLock { $0.allSatisfy { $0 == 1 } })
    }
  }

  @Test("Calls from inside a loop run inline")
  func nests() {
    let pool = ThreadPool(threadCount: 3)
    let total = Total()
    for _ in 0..<50 {
      pool.parallelFor(7) { outer in
        pool.parallelFor(5) { inner in total.add(outer * 5 + inner) }
      }
    }
    #expect(total.value == 50 * (34 * 35 / 2))
  }

  @Test("Several threads may use one pool at a time")
  func sharesPool() async {
    let pool = ThreadPool(threadCount: 2)
    let total = Total()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<200 { pool.parallelFor(10) { total.add($0) } }
        }
      }
    }
    #expect(total.value == 8 * 200 * 45)
  }

  @Test("Hundreds of pools come and go")
  func comesAndGoes() {
    let total = Total()
    for _ in 0..<300 {
      ThreadPool(threadCount: 3).parallelFor(3) { _ in total.add(1) }
    }
    #expect(total.value == 900)
  }
}

struct KernelSetTests {
  @Test("The portable set is always there, names are unique, and the last is the best")
  func available() throws {
    let names = KernelSet.available.map(\.name)
    #expect(names.first == "portable")
    #expect(Set(names).count == names.count)
    #expect(KernelSet.fastest.name == names.last)
  }

  @Test("A set is chosen by its name; a name that is unknown or unsupported is an error that lists the sets")
  func named() throws {
    for kernels in KernelSet.available { #expect(try KernelSet.named(kernels.name).name == kernels.name) }
    for name in ["sse9", "AVX2", ""] {
      let error = #expect(throws: CogError.self) { try KernelSet.named(name) }
      #expect(error?.problem == "there is no such instruction set")
      #expect(error?.expected?.contains("portable") == true)
    }
    let all = [
      "portable", "portable-tiles", "avx2", "avx-vnni", "avx512-vnni", "avx512-pairs", "amx", "neon",
      "neon-i8mm",
    ]
    for name in all where !KernelSet.available.map(\.name).contains(name) {
      let error = #expect(throws: CogError.self) { try KernelSet.named(name) }
      #expect(error?.problem == "this processor lacks the instruction set")
    }
  }
}

struct ProductChoiceTests {
  @Test("Only weights of the format's sizes have a product", arguments: [0, 1, 16, 96, 160, 224, 256])
  func unknownGroupSize(groupSize: Int) throws {
    for index in 0... {
      guard let backend = cog_backend(index) else { break }
      guard cog_runs_here(backend) else { continue }
      for bits: UInt32 in [4, 8] {
        #expect(cog_product(backend, true, bits, groupSize, 40) == nil)
        #expect(cog_product(backend, true, bits, 64, 40)?.pointee.bits == bits)
      }
      #expect(cog_product(backend, true, 5, 64, 40) == nil)
    }
  }
}

struct FloatMatrixTests {
  @Test("A matrix starts as zeros, aligned to 64 bytes, and copies are its own")
  func basics() {
    let matrix = FloatMatrix(rows: 5, columns: 7)
    #expect(matrix.values == [Float](repeating: 0, count: 35))
    #expect(Int(bitPattern: matrix.pointer) % 64 == 0)
    matrix[3, 2] = 4
    #expect(matrix.row(3)[2] == 4 && matrix[3, 2] == 4)
    let copy = matrix.copyRows(3..<5)
    matrix[3, 2] = 5
    #expect(copy.rows == 2 && copy[0, 2] == 4)
    #expect(FloatMatrix([1, 2, 3, 4], rows: 2, columns: 2)[1, 0] == 3)
    #expect(FloatMatrix(rows: 0, columns: 7).values.isEmpty)
  }
}
