import CogBase
import CogCalibrate
import CogModel

/// A small calibration, its numbers made up, and what can be wrong with its file.
enum CalibrationSamples {
  /// Three inputs: of images alone, of both kinds, and of text that was always 0.
  static func small() -> Calibration {
    let digest = String(repeating: "0123456789abcdef", count: 4)
    var fields = CalibrationFields(
      tool: "cogvlm 0.1.0",
      model: .init(
        name: "model.cogvlm", digest: digest, encodings: ["BF16": 3, "F32": 1],
        sources: [.init(name: "model.safetensors", bytes: 1000, sha256: digest)]),
      sets: [.init(digest: String(digest.reversed()), videos: 2, prompts: 3)],
      settings: .init(mode: "float32", template: "chat", frames: "chat", toleratesDamage: false))
    fields.counts = {
      var counts = CalibrationFields.Counts()
      (counts.videos, counts.prompts, counts.frames) = (1, 2, 4)
      (counts.imageTokens, counts.textTokens) = (24, 9)
      return counts
    }()
    fields.failed = ["gone.mp4"]
    var table = MomentTable()
    table.add(
      InputMoments(
        image: ChannelMoments(
          count: 4, sum: [1.5, -2, 0], sumOfSquares: [2.25, 3, 0], largest: [1.25, 1.5, 0])),
      to: "model.vision.transformer.layers.0.attention.query_key_value.weight")
    table.add(
      InputMoments(
        image: ChannelMoments(count: 24, sum: [-3, 0.5], sumOfSquares: [40, 0.25], largest: [4, 0.5]),
        text: ChannelMoments(count: 9, sum: [0.1, 7], sumOfSquares: [1, 8], largest: [1, 1.5])),
      to: "model.layers.0.mlp.language_mlp.gate_proj.weight")
    table.add(
      InputMoments(text: ChannelMoments(count: 2, sum: [0, 0], sumOfSquares: [0, 0], largest: [0, 0])),
      to: "lm_head.weight")
    return Calibration(fields, table)
  }

  /// A file whose checksums are right and whose content is changed otherwise.
  struct Deceit: Sendable {
    let name: String
    /// Words of the refusal.
    let says: String
    let change: @Sendable (inout Calibration) -> Void

    init(_ name: String, says: String, _ change: @escaping @Sendable (inout Calibration) -> Void) {
      (self.name, self.says, self.change) = (name, says, change)
    }
  }

  private static let gate = "model.layers.0.mlp.language_mlp.gate_proj.weight"

  private static func moments(
    count: Int = 9, sum: [Double] = [0.1, 7], squares: [Double] = [1, 8], largest: [Float] = [1, 1.5]
  ) -> @Sendable (inout Calibration) -> Void {
    { calibration in
      calibration.table[adding: gate].text = ChannelMoments(
        count: count, sum: sum, sumOfSquares: squares, largest: largest)
    }
  }

  /// What only a made-up file has.
  static let deceits: [Deceit] = [
    Deceit("no tokens", says: "number of tokens", moments(count: 0)),
    Deceit("tokens below none", says: "number of tokens", moments(count: -1)),
    Deceit("more tokens than there are", says: "number of tokens", moments(count: 1 << 60)),
    Deceit("a sum that is no number", says: "of a channel cannot be", moments(sum: [.nan, 7])),
    Deceit("an infinite sum of squares", says: "of a channel cannot be", moments(squares: [.infinity, 8])),
    Deceit("a negative sum of squares", says: "of a channel cannot be", moments(squares: [-1, 8])),
    Deceit("a negative largest magnitude", says: "of a channel cannot be", moments(largest: [-1, 1.5])),
    Deceit("a mean above the largest", says: "of a channel cannot be", moments(sum: [10, 7])),
    Deceit("a largest above all squares", says: "of a channel cannot be", moments(largest: [3, 1.5])),
    Deceit("squares above the largest", says: "of a channel cannot be", moments(squares: [100, 8])),
    Deceit(
      "kinds of different numbers of channels", says: "different numbers of channels",
      moments(sum: [0.1], squares: [1], largest: [1])),
    Deceit("no name", says: "no such tensor") { $0.table.add($0.table[gate] ?? InputMoments(), to: "") },
    Deceit("a weight that no model has", says: "no such tensor") {
      $0.table.add($0.table[gate] ?? InputMoments(), to: "model.layers.0.weight")
    },
    Deceit("a weight that is known by another", says: "no such tensor") {
      $0.table.add($0.table[gate] ?? InputMoments(), to: "model.layers.0.mlp.language_mlp.up_proj.weight")
    },
    Deceit("a weight without an input", says: "no such tensor") {
      $0.table.add($0.table[gate] ?? InputMoments(), to: "model.embed_tokens.weight")
    },
    Deceit("a digest that is none", says: "model.digest") { $0.fields.model.digest = "abc" },
    Deceit("a set without a digest", says: "sets[0].digest") { $0.fields.sets[0].digest = "" },
    Deceit("no set", says: "sets") { $0.fields.sets = [] },
    Deceit("fewer videos than none", says: "counts.videos") { $0.fields.counts.videos = -1 },
    Deceit("a number that no run reaches", says: "counts.textTokens") {
      $0.fields.counts.textTokens = .max
    },
    Deceit("an arithmetic that there is not", says: "settings.mode") { $0.fields.settings.mode = "fp8" },
    Deceit("a template that there is not", says: "settings.template") { $0.fields.settings.template = "x" },
    Deceit("frames that there are not", says: "settings.frames") {
      $0.fields.settings.frames = "uniform:0"
    },
    Deceit("a field without end", says: "too long") {
      $0.fields.tool = String(repeating: "x", count: 5 << 20)
    },
  ]
}
