import CogBase
import CogCheckpoint
package import CogModel
import CogNative

/// A format that models are written in.
package struct OutputFormat: Sendable {
  /// What a person can set beside the place.
  package struct Settings: Sendable {
    /// Bytes of tensors in one file, at most, in formats that have several.
    package var shardSize = 5_000_000_000

    package init() {}
  }

  /// The name that `--to` takes.
  package let name: String
  /// Whether the format can hold quantized tensors; otherwise their values are written.
  package let holdsQuantized: Bool
  /// Whether a model may lie in several files.
  package let hasShards: Bool
  /// A sink that writes to a path.
  package let makeSink: @Sendable (_ path: String, Settings) -> any ModelSink

  /// All formats, the default first. A new one is a line here and a file with its sink.
  package static let all = [
    OutputFormat(name: "native", holdsQuantized: true, hasShards: false) { path, _ in
      NativeSink(path: path)
    },
    OutputFormat(name: "safetensors", holdsQuantized: false, hasShards: true) { path, settings in
      SafetensorsSink(path: path, shardSize: settings.shardSize)
    },
  ]

  /// The format with a name, or nil.
  package static func named(_ name: String) -> OutputFormat? { all.first { $0.name == name } }
}
