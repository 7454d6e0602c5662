import Glibc

public import CogBase

/// How far a stored tensor is from the one that it was made of.
public struct StorageError: Equatable, Sendable, Codable {
  /// Root of the squared error's sum over root of the squares' sum; 0 when nothing was lost.
  public var relativeRMS: Float
  /// Signal to quantization noise, `-20 log10(relativeRMS)`, in dB; infinite when nothing was lost.
  public var sqnr: Float
  /// The largest relative RMS error of one group.
  public var worstGroup: Float
  /// Row of that group.
  public var worstRow: Int
  /// Number of that group within its row.
  public var worstGroupIndex: Int

  /// An error from its sums.
  ///
  /// - Parameters:
  ///   - squaredError: the sum of squared differences.
  ///   - squares: the sum of squares of the original.
  public init(
    squaredError: Double, squares: Double, worstGroup: Float = 0, worstRow: Int = 0, worstGroupIndex: Int = 0
  ) {
    let ratio = Self.ratio(squaredError: squaredError, squares: squares)
    relativeRMS = Float(ratio)
    sqnr = ratio > 0 ? Float(-20 * log10(ratio)) : .infinity
    self.worstGroup = worstGroup
    self.worstRow = worstRow
    self.worstGroupIndex = worstGroupIndex
  }

  /// Root of the squared error's sum over root of the squares' sum, as ``relativeRMS`` has it.
  static func ratio(squaredError: Double, squares: Double) -> Double {
    guard squares > 0 else { return squaredError > 0 ? .infinity : 0 }
    let ratio = (squaredError / squares).squareRoot()
    return ratio.isNaN ? .infinity : ratio
  }

  /// No error: the values are the source's to the bit.
  public static let none = StorageError(squaredError: 0, squares: 0)
}

extension StorageError {
  private enum CodingKeys: String, CodingKey {
    case relativeRMS, sqnr, worstGroup, worstRow, worstGroupIndex
  }

  /// Encodes the five numbers; JSON has no infinity, so an infinite one is null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(relativeRMS.isFinite ? relativeRMS : nil, forKey: .relativeRMS)
    try container.encode(sqnr.isFinite ? sqnr : nil, forKey: .sqnr)
    try container.encode(worstGroup.isFinite ? worstGroup : nil, forKey: .worstGroup)
    try container.encode(worstRow, forKey: .worstRow)
    try container.encode(worstGroupIndex, forKey: .worstGroupIndex)
  }

  /// Decodes what ``encode(to:)`` wrote.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    relativeRMS = try container.decode(Float?.self, forKey: .relativeRMS) ?? .infinity
    let sqnr = try container.decode(Float?.self, forKey: .sqnr)
    self.sqnr = sqnr ?? (relativeRMS == 0 ? .infinity : -.infinity)
    worstGroup = try container.decode(Float?.self, forKey: .worstGroup) ?? .infinity
    worstRow = try container.decode(Int.self, forKey: .worstRow)
    worstGroupIndex = try container.decode(Int.self, forKey: .worstGroupIndex)
  }
}

/// One entry of a native file's directory (`Formats/native.md`, "Directory").
public struct NativeTensor: Equatable, Sendable {
  /// The tensor's name, as in the checkpoint.
  public let name: String
  /// The shape, at most four dimensions.
  public let shape: Shape
  /// How the elements are stored.
  public let encoding: TensorEncoding
  /// Offset of the first byte in the file, a multiple of 4096.
  public let offset: Int
  /// Bytes of the tensor.
  public let byteCount: Int
  /// CRC-32 of those bytes.
  public let checksum: UInt32
  /// The element type that the tensor had in the checkpoint.
  public let sourceType: ElementType
  /// What storing it in this encoding lost.
  public let error: StorageError

  /// Bits that one element takes on average, scales and padding included.
  public var bitsPerWeight: Double { Double(byteCount) * 8 / Double(max(shape.elementCount, 1)) }
}
