import CogTestSupport
import Foundation
import Testing

/// The sample's checkpoint with one fault of a kind that conversions have had.
enum PlantedFault: String, CaseIterable {
  /// A NaN in one weight.
  case notANumber
  /// All weights of a layer times 1.5.
  case scaledLayer
  /// Two tensors of one shape under each other's names.
  case swapped
  /// Twelve groups of neighboring weights are zeros.
  case zeroedGroups

  static let gate = "model.layers.1.mlp.language_mlp.gate_proj.weight"
  static let down = "model.layers.1.mlp.language_mlp.down_proj.weight"
  static let up = "model.layers.3.mlp.language_mlp.up_proj.weight"

  /// Writes the checkpoint into a new folder.
  func write(toFolder folder: String) throws {
    var tensors = try Safetensors(folder: Fixtures.path("sample/checkpoint"))
    switch self {
    case .notANumber:
      tensors = try tensors.changing(Self.gate) { bytes, shape in
        let place = 2 * (37 * shape[1] + 11)
        bytes.replaceSubrange(place..<place + 2, with: [0xC0, 0x7F])
      }
    case .scaledLayer:
      for name in tensors.tensors.map(\.name)
      where name.hasPrefix("model.layers.2.") && !name.contains("rotary") {
        tensors = try tensors.changing(name) { bytes, _ in Self.scale(&bytes, by: 1.5) }
      }
    case .swapped:
      let places = try [Self.gate, Self.up].map { name in
        try #require(tensors.tensors.firstIndex { $0.name == name })
      }
      (tensors.tensors[places[0]].bytes, tensors.tensors[places[1]].bytes) = (
        tensors.tensors[places[1]].bytes, tensors.tensors[places[0]].bytes
      )
    case .zeroedGroups:
      tensors = try tensors.changing(Self.down) { bytes, shape in
        let start = 2 * 100 * shape[1]
        bytes.resetBytes(in: start..<start + 2 * 64 * 12)
      }
    }
    try tensors.write(toFolder: folder, with: "sample/checkpoint")
  }

  /// Multiplies BF16 values, and rounds to even.
  private static func scale(_ bytes: inout Data, by factor: Float) {
    for place in stride(from: 0, to: bytes.count, by: 2) {
      let bits = UInt32(bytes[place]) << 16 | UInt32(bytes[place + 1]) << 24
      let product = (Float(bitPattern: bits) * factor).bitPattern
      let scaled = product + 0x7FFF + (product >> 16 & 1)
      bytes[place] = UInt8(truncatingIfNeeded: scaled >> 16)
      bytes[place + 1] = UInt8(truncatingIfNeeded: scaled >> 24)
    }
  }
}
