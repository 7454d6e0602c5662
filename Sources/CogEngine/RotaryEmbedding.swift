import CogCompute
import Foundation

/// Rotary position embedding in the half-split (NeoX) form, with the frequencies that the checkpoint stores.
///
/// The stored frequencies are rounded to bfloat16; exact ones would be a wrong answer. In bfloat16 mode the
/// position, the frequency and their product are bfloat16 before cos and sin, and those are rounded; the
/// rotation itself is float32 and rounds once. Source: `modeling_cogvlm.RotaryEmbedding`, RoFormer (arXiv
/// 2104.09864).
struct RotaryEmbedding {
  /// The stored frequencies, `[head dimension / 2]`.
  let frequencies: [Float]
  /// The positions of the tokens, `[tokens]`.
  let positions: [Int]
  /// `[tokens, head dimension / 2]`.
  private let cosines: FloatMatrix
  private let sines: FloatMatrix

  init(frequencies: [Float], positions: [Int], compute: Compute) {
    self.frequencies = frequencies
    self.positions = positions
    let half = frequencies.count
    let position = FloatMatrix(positions.map(Float.init), rows: positions.count, columns: 1)
    let frequency = FloatMatrix(frequencies, rows: 1, columns: half)
    compute.round(position)
    compute.round(frequency)
    let angles = FloatMatrix(rows: positions.count, columns: half)
    for token in 0..<positions.count {
      for index in 0..<half { angles[token, index] = position[token, 0] * frequency[0, index] }
    }
    compute.round(angles)
    cosines = FloatMatrix(angles.values.map { cosf($0) }, rows: positions.count, columns: half)
    sines = FloatMatrix(angles.values.map { sinf($0) }, rows: positions.count, columns: half)
    compute.round(cosines)
    compute.round(sines)
  }

  /// Rotates heads in place.
  ///
  /// - Parameters:
  ///   - x: one row for each token; its first `headCount` heads are rotated.
  func rotate(_ x: FloatMatrix, headCount: Int, threads: ThreadPool) {
    let half = cosines.columns
    threads.parallelFor(x.rows) { token in
      let cosine = cosines.pointer + token * half
      let sine = sines.pointer + token * half
      for head in 0..<headCount {
        let low = x.pointer + token * x.columns + head * 2 * half
        let high = low + half
        for index in 0..<half {
          let (a, b) = (low[index], high[index])
          low[index] = a * cosine[index] - b * sine[index]
          high[index] = b * cosine[index] + a * sine[index]
        }
      }
    }
  }
}
