import CogInspect
import CogModel
import CogReport
import Foundation
import Testing

/// The listing of `inspect`.
@Suite struct ListingTests {
  private static func inspection(
    _ tensors: [(name: String, byteCount: Int)], metadata: [String: String] = [:]
  ) -> Inspection {
    Inspection(
      path: "m", files: [.init(path: "m/some.safetensors", kind: "safetensors", byteCount: 4096)],
      tensors: tensors.map { name, byteCount in
        .init(
          name: name, type: .plain(.bfloat16), shape: [64, 64], byteCount: byteCount,
          file: "m/some.safetensors",
          offset: 1024, part: "language", role: nil)
      }, metadata: metadata, completeness: nil, notes: ["a note"])
  }

  @Test("The listing has a line for each fact, aligned, and can be had without tensors")
  func lines() {
    let inspection = Self.inspection(
      [("long.name.weight", 2240), ("b", 8192)], metadata: ["format": "pt", "config.hidden_size": "8"])
    let head = """
      m
      note: a note

      Files
        1  some.safetensors  safetensors  4,096 bytes

      Metadata
        format: pt

      Parts
        part      tensors  parameters   bytes  bits per weight
        language        2       8,192  10,432           10.188
        total           2       8,192  10,432           10.188

      """
    let tensors = """

      Tensors
        name              role  type  shape     bytes  file  offset
        long.name.weight  -     BF16  [64, 64]  2,240     1   1,024
        b                 -     BF16  [64, 64]  8,192     1   1,024

      """
    #expect(inspection.listing() == head + tensors)
    #expect(inspection.listing(withTensors: false) == head)
    let all = inspection.listing(withTensors: false, withAllMetadata: true)
    #expect(all.contains("\n  config.hidden_size: 8\n  format: pt\n"))
  }

  @Test("Control characters of a file do not reach the terminal")
  func escapesControlCharacters() {
    let text = Self.inspection([("a\u{1b}[2Jb", 1)], metadata: ["k\u{7}": "v\u{202e}\n"]).listing()
    #expect(text.contains("a\\u{1b}[2Jb") && text.contains("k\\u{7}: v\\u{202e}\\u{a}"))
    let isClean = text.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control }
    #expect(isClean)
  }

  @Test("Sizes that do not fit stay in range")
  func hugeTensors() {
    let text = Self.inspection([("a", .max), ("b", .max)]).listing()
    #expect(text.contains("9,223,372,036,854,775,807"))
  }
}
