package import CogCompute
import Foundation

/// The rotary angles of the tokens of one pass: rotary position embedding in the half-split (NeoX) form, with
/// the frequencies that the checkpoint stores.
///
/// The stored frequencies are rounded to bfloat16; exact ones would be a wrong answer. In bfloat16 mode the
/// position, the frequency and their product are bfloat16 before cos and sin, and those are rounded; the
/// rotation itself is float32 and rounds once. Source: `modeling_cogvlm.RotaryEmbedding`, RoFormer (arXiv
/// 2104.09864).
package struct RotaryAngles: Sendable {
  /// `[tokens, head dimension / 2]`.
  private let cosines: FloatMatrix
  private let sines: FloatMatrix
  private let threads: ThreadPool

  /// The angles of tokens.
  ///
  /// - Parameters:
  ///   - frequencies: the stored ones, `[head dimension / 2]`.
  ///   - positions: rotary positions, `[tokens]`.
  package init(frequencies: [Float], positions: [Int], compute: Compute) {
    let half = frequencies.count
    let position = FloatMatrix(positions.map(Float.init), rows: positions.count, columns: 1)
    let frequency = FloatMatrix(frequencies, rows: 1, columns: half)
    compute.round(position)
    compute.round(frequency)
    let angles = FloatMatrix(uninitializedRows: positions.count, columns: half)
    for token in 0..<positions.count {
      for index in 0..<half { angles[token, index] = position[token, 0] * frequency[0, index] }
    }
    compute.round(angles)
    cosines = FloatMatrix(angles.values.map { cosf($0) }, rows: positions.count, columns: half)
    sines = FloatMatrix(angles.values.map { sinf($0) }, rows: positions.count, columns: half)
    compute.round(cosines)
    compute.round(sines)
    threads = compute.threads
  }

  /// Rotates heads in place. Does not round.
  ///
  /// - Parameters:
  ///   - x: one row for each of the first tokens; its first `headCount` heads are rotated.
  package func rotate(_ x: FloatMatrix, headCount: Int) {
    let half = cosines.columns
    precondition(x.rows <= cosines.rows && x.columns >= headCount * 2 * half, "every token has its angles")
    threads.parallelFor(x.rows) { token in
      let (row, cosine, sine) = (x.row(token), cosines.row(token), sines.row(token))
      for head in 0..<headCount {
        let low = head * 2 * half
        for index in 0..<half {
          let (a, b) = (row[low + index], row[low + half + index])
          row[low + index] = a * cosine[index] - b * sine[index]
          row[low + half + index] = b * cosine[index] + a * sine[index]
        }
      }
    }
  }
}
