package import CogCompute
package import CogModel

/// What a benchmark measured; rates are per second, sizes in bytes, shares from 0 to 1.
package struct BenchReport: Equatable, Sendable, Codable {
  /// The model that ran.
  package var model: Model
  /// The machine, and what else it was doing.
  package var machine: Machine
  /// What the engine computed in.
  package var mode: ComputeMode
  /// Counted runs; one more came before them to warm up.
  package var runs: Int
  /// The machine's limits, measured at the start of each run.
  package var limits: Limits
  /// Seconds from opening the file to the result of the first kernel.
  package var loadSeconds: Spread
  /// Frames through the vision tower and the adapter; nil when no frames were asked for.
  package var vision: Vision?
  /// Reading the prompt.
  package var prefill: Prefill
  /// Making tokens one by one; nil when none were asked for.
  package var decode: Decode?
  /// The most memory that was resident, pages of the model's file included.
  package var peakMemoryBytes: Int
  /// Whether that leaves out the buffers with which the limits are measured and the model is made.
  package var peakMemoryIsExact: Bool

  /// The model's sizes.
  package struct Model: Equatable, Sendable, Codable {
    /// The file, or "synthetic" and the preset.
    package var name: String
    /// Bytes of the file.
    package var fileBytes: Int
    /// Numbers in all tensors.
    package var parameters: Int
    /// Bits that a weight of the language model's layers and head takes on average.
    package var languageBitsPerWeight: Double
    /// The model's shapes: layers, hidden size, MLP size, vocabulary of the language model.
    package var language: [Int]
    /// Layers, hidden size and MLP size of the vision tower.
    package var vision: [Int]
    /// How the tensors are stored, the largest share first.
    package var encodings: [Encoding]
  }

  /// Tensors of one encoding.
  package struct Encoding: Equatable, Sendable, Codable {
    /// The encoding; its JSON is the label, such as int4/64.
    package var encoding: TensorEncoding
    /// How many tensors have it.
    package var tensors: Int
    /// The numbers in them.
    package var parameters: Int
    /// The bytes that they take.
    package var bytes: Int
  }

  /// The machine.
  package struct Machine: Equatable, Sendable, Codable {
    /// The processor's name.
    package var processor: String
    /// Threads that worked.
    package var threads: Int
    /// The instruction set of the kernels.
    package var kernels: String
    /// Load averages over 1, 5 and 15 minutes before the first run: above 0, others were working too.
    package var loadAverages: [Double]
  }

  /// The machine's limits.
  package struct Limits: Equatable, Sendable, Codable {
    /// Bytes per second read from memory.
    package var readBytesPerSecond: Spread
    /// 8-bit integer operations per second.
    package var int8OperationsPerSecond: Spread
    /// Float32 operations per second.
    package var floatOperationsPerSecond: Spread
    /// 8-bit integer operations per second by products of tiles; nil where the kernels have none.
    package var tileOperationsPerSecond: Spread?

    /// Writes `tileOperationsPerSecond` as null where the kernels have no tiles.
    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(readBytesPerSecond, forKey: .readBytesPerSecond)
      try container.encode(int8OperationsPerSecond, forKey: .int8OperationsPerSecond)
      try container.encode(floatOperationsPerSecond, forKey: .floatOperationsPerSecond)
      try container.encode(tileOperationsPerSecond, forKey: .tileOperationsPerSecond)
    }
  }

  /// The vision part.
  package struct Vision: Equatable, Sendable, Codable {
    /// Frames in a run.
    package var frames: Int
    /// Seconds of a run.
    package var seconds: Spread
    /// Frames per second.
    package var framesPerSecond: Spread
    /// Operations per second of the products with weights.
    package var operationsPerSecond: Spread
    /// The share of these products that is made of 8-bit integers: in fast mode those with quantized weights.
    package var int8Share: Double
    /// The operations per second as a share of the peak that such products are up against: that of tiles or
    /// else int8 for ``int8Share`` of them, that of float32 for the others.
    package var shareOfPeak: Spread
  }

  /// The prompt.
  package struct Prefill: Equatable, Sendable, Codable {
    /// Tokens of the prompt.
    package var tokens: Int
    /// Seconds of a run.
    package var seconds: Spread
    /// Tokens per second.
    package var tokensPerSecond: Spread
    /// Operations per second of the products with weights.
    package var operationsPerSecond: Spread
    /// The share of these products that is made of 8-bit integers: in fast mode those with quantized weights.
    package var int8Share: Double
    /// The operations per second as a share of the peak that such products are up against: that of tiles or
    /// else int8 for ``int8Share`` of them, that of float32 for the others.
    package var shareOfPeak: Spread
  }

  /// The tokens after it.
  package struct Decode: Equatable, Sendable, Codable {
    /// Tokens made in a run.
    package var tokens: Int
    /// Tokens in the cache before the first one.
    package var contextTokens: Int
    /// Seconds of a run.
    package var seconds: Spread
    /// Tokens per second.
    package var tokensPerSecond: Spread
    /// Bytes of weights that a token reads.
    package var bytesPerToken: Int
    /// Bytes of weights read per second.
    package var bytesPerSecond: Spread
    /// Those as a share of the memory's read bandwidth.
    package var shareOfReadBandwidth: Spread
  }
}
