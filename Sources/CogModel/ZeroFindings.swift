import CogBase

/// What the runs of zeros in a tensor mean: holes that a download left, or zeros that a model may have.
///
/// Trained weights have no 4 KiB of zeros in a row. What begins as zeros in the published code and may have
/// stayed so is noted, not damage: biases, `cls_embedding`, `boi`, `eoi`, rows of positions, and the rows of
/// reserved and added tokens in the embedding table and the output head.
package struct ZeroFindings: Equatable, Sendable, Codable {
  /// Byte ranges of the tensor that are zeros and cannot be the model's, the first ``mostRuns`` of them.
  package private(set) var holes: [Hole] = []
  /// How many holes there are, and their bytes.
  package private(set) var holeCount = 0
  package private(set) var holeBytes = 0
  /// Rows of zeros that are no damage.
  package private(set) var zeroRows = 0

  /// A byte range of a tensor.
  package struct Hole: Equatable, Sendable, Codable {
    /// Bytes from the tensor's first one to the first of the hole, and to the one behind its last.
    package let start: Int
    package let end: Int
  }

  /// Holes that are kept.
  package static let mostRuns = 8
  /// Bytes of zeros at the end of a row that no chance gives.
  private static let fewestBytesOfRow = 64

  /// No zeros.
  package init() {}

  /// Judges the runs of a tensor.
  ///
  /// - Parameters:
  ///   - runs: of all bytes of the tensor, in a plain type.
  ///   - spare: finds the tokens whose rows may be zeros; nil where the tokenizer is not known.
  package init(_ runs: ZeroRuns, in entry: TensorEntry, spare: () -> SpareTokens?) {
    guard let role = entry.role, let width = entry.encoding.plainType?.byteWidth, runs.byteCount > 0 else {
      return
    }
    switch role.zeros {
    case .holes: for run in runs.runs { add(run) }
    case .norm: for run in runs.isAllZeros ? [0..<runs.byteCount] : runs.runs { add(run) }
    case .fresh:
      if runs.isAllZeros { zeroRows = entry.shape.rows } else { for run in runs.runs { add(run) } }
    case .any: return
    case .rows:
      for run in runs.runs { addRows(run, rowBytes: entry.shape.columns * width) { _ in true } }
    case .tokens:
      let list = runs.runs
      guard !list.isEmpty else { return }
      // Without a tokenizer, half a table of zeros is none of reserved tokens.
      let isMost = 2 * list.reduce(0) { $0 + $1.count } > runs.byteCount
      let tokens = spare()
      for run in list {
        addRows(run, rowBytes: entry.shape.columns * width) { tokens?.contains($0) ?? !isMost }
      }
    }
  }

  /// Whether a tensor of so many bytes may have them: no sum of what a file says of them may overflow.
  package func fit(byteCount: Int) -> Bool {
    let bytes = 0...byteCount
    return holes.allSatisfy { bytes.contains($0.start) && bytes.contains($0.end) && $0.start <= $0.end }
      && holes.count <= Self.mostRuns && holeCount >= holes.count
      && [holeCount, holeBytes, zeroRows].allSatisfy(bytes.contains)
  }

  /// Whether there is anything to tell.
  package var isEmpty: Bool { holeCount == 0 && zeroRows == 0 }

  private mutating func add(_ run: Range<Int>) {
    if holes.count < Self.mostRuns { holes.append(Hole(start: run.lowerBound, end: run.upperBound)) }
    holeCount += 1
    holeBytes += run.count
  }

  /// Adds a run in a table whose rows may be zeros as a whole: it is a hole where it begins or ends within a
  /// row, or covers a row that `isAllowed` does not name.
  private mutating func addRows(_ run: Range<Int>, rowBytes: Int, isAllowed: (Int) -> Bool) {
    let (firstRow, endRow) = ((run.lowerBound + rowBytes - 1) / rowBytes, run.upperBound / rowBytes)
    guard firstRow < endRow, firstRow * rowBytes - run.lowerBound < Self.fewestBytesOfRow,
      run.upperBound - endRow * rowBytes < Self.fewestBytesOfRow
    else { return add(run) }
    var row = firstRow
    while row < endRow {
      let start = row
      while row < endRow, isAllowed(row) { row += 1 }
      zeroRows += row - start
      let forbidden = row
      while row < endRow, !isAllowed(row) { row += 1 }
      if row > forbidden { add(forbidden * rowBytes..<row * rowBytes) }
    }
  }
}

/// The tokens that a model may never have been trained with: those that were added to the vocabulary, most of
/// them reserved, and the rows that the tokenizer has no token for.
package struct SpareTokens: Sendable {
  private let added: Set<Int>
  private let tokenCount: Int

  /// - Parameters:
  ///   - added: the ids of the added tokens.
  ///   - tokenCount: tokens that the tokenizer has.
  package init(added: Set<Int>, tokenCount: Int) { (self.added, self.tokenCount) = (added, tokenCount) }

  /// Whether a row is one of these.
  package func contains(_ row: Int) -> Bool { row >= tokenCount || added.contains(row) }
}

extension TensorRole {
  /// What a run of zeros in the tensor means.
  fileprivate enum Zeros {
    /// A hole.
    case holes
    /// A hole; and so are zeros alone, however few.
    case norm
    /// A hole, but for zeros alone: the tensor begins as such.
    case fresh
    /// A hole, but for whole rows.
    case rows
    /// A hole, but for whole rows of tokens that nobody uses.
    case tokens
    /// Nothing.
    case any
  }

  fileprivate var zeros: Zeros {
    switch self {
    case .tokenEmbedding, .outputHead: .tokens
    case .positionEmbedding: .rows
    case .classEmbedding, .beginOfImage, .endOfImage: .fresh
    case .finalNorm, .inputNorm, .postAttentionNorm, .visionAttentionNorm, .visionMLPNorm, .adapterNorm,
      .rotaryFrequencies:
      .norm
    case .patchProjectionBias, .visionQueryKeyValueBias, .visionAttentionOutputBias, .visionMLPInBias,
      .visionMLPOutBias, .visionAttentionNormBias, .visionMLPNormBias, .convolutionBias, .adapterNormBias:
      .any
    case .queryKeyValue, .attentionOutput, .mlpGate, .mlpUp, .mlpDown, .patchProjection,
      .visionQueryKeyValue, .visionAttentionOutput, .visionMLPIn, .visionMLPOut, .convolution,
      .adapterProjection, .adapterGate, .adapterUp, .adapterDown:
      .holes
    }
  }
}

extension ZeroFindings {
  /// The holes in words that follow the tensor's name, such as "65536 bytes are zeros where weights should
  /// be: bytes 128 to 65664 of model.safetensors (from row 0)"; nil without holes.
  package func text(in entry: TensorEntry) -> String? {
    guard let first = holes.first else { return nil }
    let name = entry.file.lastPathName
    func place(_ hole: Hole) -> String {
      let base = entry.offset ?? 0
      return "\(base + hole.start) to \(base + hole.end)"
    }
    var text = "\(holeBytes) bytes are zeros where weights should be: bytes "
    text += holes.map(place).joined(separator: ", ")
    if holeCount > holes.count { text += " and \(holeCount - holes.count) runs more" }
    text += entry.offset == nil ? " of the tensor" : " of \(name)"
    if let width = entry.encoding.plainType?.byteWidth, entry.shape.rank > 1, entry.shape.columns > 0 {
      let rowBytes = entry.shape.columns * width
      text += " (from row \(first.start / rowBytes))"
    }
    return text
  }
}
