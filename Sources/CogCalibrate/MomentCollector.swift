package import CogCompute

/// Sums up the inputs of linear layers as the engine shows them.
///
/// One thread runs the pass, sets ``kinds`` before it, and looks at what was found after each stage.
package final class MomentCollector: InputObserver, @unchecked Sendable {
  /// An input with a value that is NaN or infinite.
  package struct NotFinite: Equatable, Sendable {
    /// The name of the layer's weight.
    package let name: String
    /// The first of its channels that had one.
    package let channel: Int
  }

  /// What the tokens of the pass are; where a layer sees fewer rows, they are the last ones. Nil: image
  /// tokens, all of them.
  package var kinds: [TokenKind]? { didSet { runsByCount = [:] } }
  /// What was summed up so far.
  package private(set) var table = MomentTable()
  /// The first input that was not finite.
  package private(set) var notFinite: NotFinite?
  private let threads: ThreadPool
  /// The rows of each kind, by the number of rows: every layer of a pass asks for the same.
  private var runsByCount: [Int: [TokenKind: [Range<Int>]]] = [:]

  /// A collector that has seen nothing.
  package init(threads: ThreadPool) { self.threads = threads }

  /// Forgets everything: what comes next is another video.
  package func begin() { (table, notFinite, kinds) = (MomentTable(), nil, nil) }

  package func observe(_ input: FloatMatrix, of name: String) {
    let runs = runs(input.rows)
    for kind in TokenKind.allCases {
      guard let rows = runs[kind] else { continue }
      table[adding: name][kind, columns: input.columns].add(input, rows: rows, threads: threads)
      if notFinite == nil, let channel = table[adding: name][kind]?.firstNotFinite {
        notFinite = NotFinite(name: name, channel: channel)
      }
    }
  }

  private func runs(_ count: Int) -> [TokenKind: [Range<Int>]] {
    guard let kinds else { return [.image: [0..<count]] }
    if let known = runsByCount[count] { return known }
    precondition(count <= kinds.count, "a layer sees the tokens of the pass, or its last ones")
    let suffix = Array(kinds.suffix(count))
    var runs: [TokenKind: [Range<Int>]] = [:]
    var start = 0
    for end in 1...max(1, count) where end == count || suffix[end] != suffix[start] {
      runs[suffix[start], default: []].append(start..<end)
      start = end
    }
    runsByCount[count] = runs
    return runs
  }
}
