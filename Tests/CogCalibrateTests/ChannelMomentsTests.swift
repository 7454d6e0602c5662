import CogCalibrate
import CogCompute
import Testing

@Suite struct ChannelMomentsTests {
  /// Values with large and small channels, all exact in float32.
  private func matrix(rows: Int, columns: Int, seed: Int = 1) -> FloatMatrix {
    var state = UInt64(seed)
    let values = (0..<rows * columns).map { index -> Float in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let unit = Float(state >> 40) / Float(1 << 23) - 1
      return unit * (index % columns % 5 == 0 ? 300 : 0.01)
    }
    return FloatMatrix(values, rows: rows, columns: columns)
  }

  /// One value after another, in the order of the rows.
  private func twin(_ matrix: FloatMatrix, rows: [Int]) -> ChannelMoments {
    let columns = matrix.columns
    var sum = [Double](repeating: 0, count: columns)
    var (squares, largest) = (sum, [Float](repeating: 0, count: columns))
    for row in rows {
      for column in 0..<columns {
        let value = matrix[row, column]
        sum[column] += Double(value)
        squares[column] += Double(value) * Double(value)
        largest[column] = max(largest[column], abs(value))
      }
    }
    return ChannelMoments(count: rows.count, sum: sum, sumOfSquares: squares, largest: largest)
  }

  @Test(
    "Sums are those of a plain loop to the bit, whatever the number of threads",
    arguments: [1, 3, 7, 8, 9, 64, 255, 256, 257, 1000], [1, 3])
  func sums(_ columns: Int, _ threads: Int) {
    let matrix = matrix(rows: 37, columns: columns)
    var moments = ChannelMoments(columns: columns)
    let pool = ThreadPool(threadCount: threads)
    moments.add(matrix, rows: [0..<5, 9..<10, 20..<37], threads: pool)
    let rows = Array(0..<5) + [9] + Array(20..<37)
    #expect(moments == twin(matrix, rows: rows))
    moments.add(matrix, rows: [], threads: pool)
    #expect(moments.count == rows.count)
  }

  @Test("Moments of two parts are added channel by channel")
  func adding() {
    let (a, b) = (matrix(rows: 4, columns: 9), matrix(rows: 6, columns: 9, seed: 2))
    var sum = twin(a, rows: Array(0..<4))
    let other = twin(b, rows: Array(0..<6))
    sum.add(other)
    #expect(sum.count == 10)
    for channel in 0..<9 {
      #expect(sum.sum[channel] == twin(a, rows: Array(0..<4)).sum[channel] + other.sum[channel])
      #expect(sum.largest[channel] >= other.largest[channel])
      #expect(sum.mean(channel) == sum.sum[channel] / 10)
      #expect(sum.secondMoment(channel) == sum.sumOfSquares[channel] / 10)
    }
  }

  @Test(
    "A value that is not finite is noticed in its channel", arguments: [Float.nan, .infinity, -.infinity])
  func notFinite(_ value: Float) {
    for column in [0, 5, 8, 300] {
      let matrix = matrix(rows: 3, columns: 301)
      matrix[1, column] = value
      let collector = MomentCollector(threads: ThreadPool(threadCount: 2))
      collector.observe(matrix, of: "a.weight")
      #expect(collector.notFinite?.name == "a.weight" && collector.notFinite?.channel == column)
      collector.begin()
      #expect(collector.notFinite == nil && collector.table.isEmpty)
    }
  }

  @Test("Image and text are told apart by the tokens of the pass, of fewer rows by its last ones")
  func kinds() {
    let matrix = matrix(rows: 6, columns: 10)
    let collector = MomentCollector(threads: ThreadPool(threadCount: 1))
    collector.observe(matrix, of: "tower")
    collector.kinds = [.text, .image, .image, .text, .image, .text]
    collector.observe(matrix, of: "layer")
    collector.observe(matrix.lastRows(2), of: "last")
    collector.observe(matrix.lastRows(1), of: "head")
    let table = collector.table
    #expect(table.names == ["tower", "layer", "last", "head"])
    #expect(table["tower"] == InputMoments(image: twin(matrix, rows: Array(0..<6))))
    #expect(
      table["layer"]
        == InputMoments(image: twin(matrix, rows: [1, 2, 4]), text: twin(matrix, rows: [0, 3, 5])))
    #expect(
      table["last"] == InputMoments(image: twin(matrix, rows: [4]), text: twin(matrix, rows: [5])))
    #expect(table["head"] == InputMoments(text: twin(matrix, rows: [5])))
    collector.observe(matrix, of: "layer")
    #expect(collector.table["layer"]?.text?.count == 6)
  }
}
