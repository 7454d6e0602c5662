import CogBase
import CogModel
import CogTestSupport
import Testing

@Suite("Runs of zeros in tensors (report 2)")
struct ZeroRunsTests {
  private func runs(_ bytes: [UInt8]) -> [Range<Int>] {
    bytes.withUnsafeBytes { ZeroRuns(of: $0).runs }
  }

  /// Every run of the length that counts, byte by byte.
  private func expected(_ bytes: [UInt8]) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    var start: Int?
    for (place, byte) in (bytes + [1]).enumerated() {
      if byte == 0 {
        start = start ?? place
      } else if let first = start {
        if place - first >= ZeroRuns.shortest { runs.append(first..<place) }
        start = nil
      }
    }
    return runs
  }

  @Test("A run of 4,096 bytes is found wherever it lies, and one of 4,095 is none")
  func everyPlace() {
    for start in stride(from: 0, to: 9000, by: 37) {
      for (length, isRun) in [(4096, true), (4095, false), (5000, true)] {
        var bytes = [UInt8](repeating: 7, count: 16_000)
        bytes.replaceSubrange(start..<start + length, with: [UInt8](repeating: 0, count: length))
        #expect(runs(bytes) == (isRun ? [start..<start + length] : []), "\(start) \(length)")
      }
    }
  }

  @Test("Pieces of any length, joined, have the runs of the whole")
  func pieces() {
    var random = SplitMix64(seed: 3)
    for round in 0..<300 {
      var bytes: [UInt8] = []
      while bytes.count < 60_000 {
        let length = Int.random(in: 1...(round % 2 == 0 ? 9000 : 5000), using: &random)
        let isZero = Bool.random(using: &random)
        bytes += [UInt8](repeating: isZero ? 0 : UInt8.random(in: 1...255, using: &random), count: length)
      }
      var (joined, start) = (ZeroRuns(), 0)
      while start < bytes.count {
        let end = min(
          bytes.count, start + Int.random(in: 0...(round % 3 == 0 ? 300 : 20_000), using: &random))
        joined.add(bytes[start..<end].withUnsafeBytes { ZeroRuns(of: $0) })
        start = end
      }
      #expect(joined.runs == expected(bytes) && runs(bytes) == expected(bytes))
      #expect(joined.byteCount == bytes.count && !joined.isAllZeros)
    }
  }

  @Test("Nothing but zeros is one run, if it is long enough")
  func allZeros() {
    #expect(runs([]) == [] && runs([0]) == [] && runs([UInt8](repeating: 0, count: 4096)) == [0..<4096])
    var joined = ZeroRuns()
    for count in [1, 0, 4000, 95] {
      joined.add([UInt8](repeating: 0, count: count).withUnsafeBytes { ZeroRuns(of: $0) })
      #expect(joined.isAllZeros)
    }
    #expect(joined.runs == [0..<4096])
  }
}

@Suite("What zeros in tensors mean (report 2)")
struct ZeroFindingsTests {
  private let table: TensorTable

  init() throws {
    let text = Array(SmallConfiguration().json.utf8)
    table = TensorTable(try text.withUnsafeBytes { try ModelConfiguration(json: $0, file: "config.json") })
  }

  /// A tensor that does what the role says, of another shape than the small model's.
  private func entry(_ role: TensorRole, _ shape: Shape) -> TensorEntry {
    let entry = TensorEntry(
      name: "t", type: .bfloat16, shape: shape, file: "a/b.safetensors", offset: 1000,
      byteCount: shape.elementCount * 2)
    let specification = table.specification(role) ?? table.specification(role, layer: 0)
    return specification.map(entry.known) ?? entry
  }

  /// The findings where the bytes in `zeros` are zeros.
  private func findings(
    _ role: TensorRole, _ shape: Shape, zeros: Range<Int>..., spare: SpareTokens? = nil
  ) -> ZeroFindings {
    var bytes = [UInt8](repeating: 3, count: shape.elementCount * 2)
    for range in zeros {
      bytes.replaceSubrange(range, with: [UInt8](repeating: 0, count: range.count))
    }
    return bytes.withUnsafeBytes { ZeroFindings(ZeroRuns(of: $0), in: entry(role, shape)) { spare } }
  }

  @Test("Within a matrix, a convolution or a norm a run is a hole, which tensor, file and bytes tell")
  func matrices() {
    for role in TensorRole.allCases where role.isMatrix || role == .convolution || role == .patchProjection {
      let found = findings(role, [64, 512], zeros: 100..<5000, 20_000..<24_100)
      #expect(found.holeCount == 2 && found.holeBytes == 9000, "\(role)")
      #expect(found.holes.map(\.start) == [100, 20_000] && found.holes.map(\.end) == [5000, 24_100])
      #expect(
        found.text(in: entry(role, [64, 512]))
          == "9000 bytes are zeros where weights should be: bytes 1100 to 6000, 21000 to 25100 of "
          + "b.safetensors (from row 0)")
      #expect(findings(role, [64, 512], zeros: 100..<4100).isEmpty, "\(role)")
    }
    #expect(findings(.finalNorm, [4096], zeros: 0..<4096).holeCount == 1)
  }

  @Test("Norms and frequencies of zeros alone are holes, however short")
  func norms() {
    for role in [TensorRole.finalNorm, .inputNorm, .visionMLPNorm, .adapterNorm, .rotaryFrequencies] {
      #expect(findings(role, [64], zeros: 0..<128).holeCount == 1, "\(role)")
      #expect(findings(role, [64], zeros: 0..<127).isEmpty, "\(role)")
    }
  }

  @Test("Biases may be zeros; boi, eoi and the class embedding as a whole, positions by rows")
  func fresh() {
    for role in [TensorRole.convolutionBias, .visionQueryKeyValueBias, .adapterNormBias] {
      #expect(findings(role, [8192], zeros: 2000..<10_000).isEmpty)
      #expect(findings(role, [8192], zeros: 0..<16_384).isEmpty)
    }
    for role in [TensorRole.beginOfImage, .endOfImage, .classEmbedding] {
      let whole = findings(role, [1, 4096], zeros: 0..<8192)
      #expect(whole.holeCount == 0 && whole.zeroRows == 1)
      #expect(findings(role, [1, 4096], zeros: 0..<8000).holeCount == 1)
    }
    let rows = findings(.positionEmbedding, [8, 2048], zeros: 0..<4096, 8192..<16_384)
    #expect(rows.holeCount == 0 && rows.zeroRows == 3)
    #expect(findings(.positionEmbedding, [8, 2048], zeros: 4000..<8192).holeCount == 1)
  }

  @Test("Rows of added tokens, and behind the last token, may be zeros; those of others may not")
  func tokens() {
    let spare = SpareTokens(added: [5, 6], tokenCount: 12)
    for role in [TensorRole.tokenEmbedding, .outputHead] {
      let rows = findings(role, [16, 4096], zeros: 5 * 8192..<7 * 8192, 12 * 8192..<16 * 8192, spare: spare)
      #expect(rows.holeCount == 0 && rows.zeroRows == 6)
      // Rows 4 and 7 are of tokens that text is made of.
      let holes = findings(role, [16, 4096], zeros: 4 * 8192..<8 * 8192, spare: spare)
      #expect(holes.holes.map(\.start) == [4 * 8192, 7 * 8192] && holes.zeroRows == 2)
      #expect(holes.holes.map(\.end) == [5 * 8192, 8 * 8192])
      // A run that ends within a row is a hole, whatever the rows.
      #expect(findings(role, [16, 4096], zeros: 5 * 8192..<6 * 8192 + 64, spare: spare).holeCount == 1)
      // Chance may make an element of the next row zero.
      #expect(findings(role, [16, 4096], zeros: 5 * 8192..<6 * 8192 + 2, spare: spare).holeCount == 0)
      // Without a tokenizer, rows are believed as long as they are not half of the table.
      #expect(findings(role, [16, 4096], zeros: 0..<8 * 8192).holeCount == 0)
      #expect(findings(role, [16, 4096], zeros: 0..<9 * 8192).holeCount == 1)
    }
  }

  @Test("Of many holes the first ones are listed and all are counted")
  func many() {
    var bytes = [UInt8](repeating: 0, count: 20 * 5000)
    for start in stride(from: 0, to: bytes.count, by: 5000) { bytes[start] = 1 }
    let shape: Shape = [100, 500]
    let found = bytes.withUnsafeBytes { ZeroFindings(ZeroRuns(of: $0), in: entry(.mlpUp, shape)) { nil } }
    #expect(found.holeCount == 20 && found.holeBytes == 20 * 4999)
    #expect(found.holes.count == ZeroFindings.mostRuns)
    #expect(found.text(in: entry(.mlpUp, shape))?.contains("and 12 runs more") == true)
  }
}
