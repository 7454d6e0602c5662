import CogCompute
import Testing

struct RecycledMemoryTests {
  @Test("Large matrices that come and go on several threads keep their contents apart")
  func reuse() async {
    await withTaskGroup(of: Bool.self) { group in
      for task in 0..<4 {
        group.addTask {
          (0..<50).allSatisfy { round in
            let size = 60_000 + 7000 * ((task + round) % 5)
            let matrices = (0..<3).map {
              FloatMatrix([Float](repeating: Float(task * 10 + $0), count: size), rows: 1, columns: size)
            }
            return matrices.enumerated().allSatisfy { index, matrix in
              matrix.values.allSatisfy { $0 == Float(task * 10 + index) }
            }
          }
        }
      }
      for await isRight in group { #expect(isRight) }
    }
    #expect(FloatMatrix(rows: 300, columns: 300).values.allSatisfy { $0 == 0 })
  }

  @Test("Free blocks are taken by size, the oldest go first, and one that is too large leaves the others")
  func freeBlocks() throws {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
    defer { memory.deallocate() }
    func block(_ place: Int, _ byteCount: Int) -> FreeBlocks.Block {
      FreeBlocks.Block(pointer: memory + place, byteCount: byteCount)
    }
    var free = FreeBlocks(mostByteCount: 100)
    #expect(free.keep(block(0, 40)).isEmpty)
    #expect(free.keep(block(1, 30)).isEmpty)
    #expect(free.keep(block(2, 101)) == [block(2, 101)])
    #expect(free.keep(block(3, 20)).isEmpty)
    #expect(free.take(41, slack: 10) == nil)
    #expect(free.take(14, slack: 10) == block(3, 20))
    #expect(free.take(9, slack: 10) == nil)
    #expect(free.take(9, slack: 40) == block(1, 30))
    #expect(free.keep(block(4, 70)) == [block(0, 40)])
    #expect(free.take(70, slack: 0) == block(4, 70))
  }

  @Test("Shared rows are the rows of a matrix, and keep its memory")
  func sharedRows() {
    let values = (0..<300_000).map(Float.init)
    var matrix: FloatMatrix? = FloatMatrix(values, rows: 100, columns: 3000)
    let shared = matrix?.sharedRows(98..<100)
    matrix?[98, 1] = -1
    matrix = nil
    // Would take the memory over if it were free.
    let other = FloatMatrix(rows: 100, columns: 3000)
    #expect(shared?.values == [294_000, -1] + values[294_002...])
    #expect(other[99, 2999] == 0)
  }
}
