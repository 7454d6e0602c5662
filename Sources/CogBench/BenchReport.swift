/// What a benchmark measured; rates are per second, sizes in bytes, shares from 0 to 1.
public struct BenchReport: Equatable, Sendable, Codable {
  /// The model that ran.
  public var model: Model
  /// The machine, and what else it was doing.
  public var machine: Machine
  /// float32, bfloat16 or fast.
  public var mode: String
  /// Counted runs; one more came before them to warm up.
  public var runs: Int
  /// The machine's limits, measured at the start of each run.
  public var limits: Limits
  /// Seconds from opening the file to the result of the first kernel.
  public var loadSeconds: Spread
  /// Frames through the vision tower and the adapter; nil when no frames were asked for.
  public var vision: Vision?
  /// Reading the prompt.
  public var prefill: Prefill
  /// Making tokens one by one; nil when none were asked for.
  public var decode: Decode?
  /// The most memory that was resident, pages of the model's file included.
  public var peakMemoryBytes: Int
  /// Whether that leaves out the buffers with which the limits are measured and the model is made.
  public var peakMemoryIsExact: Bool

  /// The model's sizes.
  public struct Model: Equatable, Sendable, Codable {
    /// The file, or "synthetic" and the preset.
    public var name: String
    /// Bytes of the file.
    public var fileBytes: Int
    /// Numbers in all tensors.
    public var parameters: Int
    /// Bits that a weight of the language model's layers and head takes on average.
    public var languageBitsPerWeight: Double
    /// The model's shapes: layers, hidden size, MLP size, vocabulary of the language model.
    public var language: [Int]
    /// Layers, hidden size and MLP size of the vision tower.
    public var vision: [Int]
    /// How the tensors are stored, the largest share first.
    public var encodings: [Encoding]
  }

  /// Tensors of one encoding.
  public struct Encoding: Equatable, Sendable, Codable {
    /// The encoding's label, such as int4/64.
    public var encoding: String
    /// How many tensors have it.
    public var tensors: Int
    /// The numbers in them.
    public var parameters: Int
    /// The bytes that they take.
    public var bytes: Int
  }

  /// The machine.
  public struct Machine: Equatable, Sendable, Codable {
    /// The processor's name.
    public var processor: String
    /// Threads that worked.
    public var threads: Int
    /// The instruction set of the kernels.
    public var kernels: String
    /// Load averages over 1, 5 and 15 minutes before the first run: above 0, others were working too.
    public var loadAverages: [Double]
  }

  /// The machine's limits.
  public struct Limits: Equatable, Sendable, Codable {
    /// Bytes per second read from memory.
    public var readBytesPerSecond: Spread
    /// 8-bit integer operations per second.
    public var int8OperationsPerSecond: Spread
    /// Float32 operations per second.
    public var floatOperationsPerSecond: Spread
  }

  /// The vision part.
  public struct Vision: Equatable, Sendable, Codable {
    /// Frames in a run.
    public var frames: Int
    /// Seconds of a run.
    public var seconds: Spread
    /// Frames per second.
    public var framesPerSecond: Spread
    /// Operations per second of the products with weights.
    public var operationsPerSecond: Spread
    /// Those as a share of the peak that the mode is up against: int8 in fast mode, else float32.
    public var shareOfPeak: Spread
  }

  /// The prompt.
  public struct Prefill: Equatable, Sendable, Codable {
    /// Tokens of the prompt.
    public var tokens: Int
    /// Seconds of a run.
    public var seconds: Spread
    /// Tokens per second.
    public var tokensPerSecond: Spread
    /// Operations per second of the products with weights.
    public var operationsPerSecond: Spread
    /// Those as a share of the peak that the mode is up against: int8 in fast mode, else float32.
    public var shareOfPeak: Spread
  }

  /// The tokens after it.
  public struct Decode: Equatable, Sendable, Codable {
    /// Tokens made in a run.
    public var tokens: Int
    /// Tokens in the cache before the first one.
    public var contextTokens: Int
    /// Seconds of a run.
    public var seconds: Spread
    /// Tokens per second.
    public var tokensPerSecond: Spread
    /// Bytes of weights that a token reads.
    public var bytesPerToken: Int
    /// Bytes of weights read per second.
    public var bytesPerSecond: Spread
    /// Those as a share of the memory's read bandwidth.
    public var shareOfReadBandwidth: Spread
  }
}
