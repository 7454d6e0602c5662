/// Groups of a tensor that hold nothing but zeros: what is left where weights were lost, or a channel that is
/// not used.
package struct ZeroGroups: Equatable, Sendable, Codable {
  /// The number of such groups.
  package let count: Int
  /// Columns of a group: those of a quantized tensor's groups, or 64.
  package let size: Int
  /// The row of the first of them.
  package let row: Int
  /// Its number within the row.
  package let group: Int
  /// Rows that are zeros from end to end, whose groups are counted too; of rows so long that threads share
  /// them, none.
  package let rows: Int
}

extension ZeroGroups {
  /// Adds up what chunks found, in the order of chunks.
  struct Counter {
    private let columns: Int
    private let size: Int
    private var count = 0
    private var first = 0
    private var rows = 0

    init(_ matrix: MeasuredMatrix) { (columns, size) = (max(1, matrix.columns), matrix.groupSize ?? 1) }

    mutating func add(_ groups: Int, first place: Int, rows: Int) {
      if count == 0, groups > 0 { first = place }
      count += groups
      self.rows += rows
    }

    /// Nil where there are none.
    var groups: ZeroGroups? {
      count == 0
        ? nil
        : ZeroGroups(
          count: count, size: size, row: first / columns, group: first % columns / size,
          rows: rows)
    }
  }
}
