package import CogBase

/// Where a model is written: a file or a folder in some format.
///
/// Places first, then tensors in any order, then the rest:
///
///     try sink.reserve(slots)
///     var writer = try sink.begin(slot)
///     try writer.write(bytes)
///     try writer.end(error: error)
///     try sink.finish(documents)
///
/// The output appears under its name when ``finish(_:)`` returns; until then it is a ``Part``. One thread at
/// a time uses a sink. The same calls give the same bytes, in whatever order the tensors come.
package protocol ModelSink: AnyObject {
  /// The work on the output.
  var part: Part { get }
  /// The format and everything about it that decides what is written, such as `cogvlm 2`: unfinished work is
  /// taken up only by a sink that says the same.
  var format: String { get }
  /// Whether the format can hold an encoding.
  func canStore(_ encoding: TensorEncoding) -> Bool
  /// Bytes that the output takes at most, for the check of free space.
  ///
  /// - Parameter documentBytes: bytes of configuration, tokenizer and provenance.
  /// - Throws: ``CogError`` when the number does not fit 63 bits.
  func largestByteCount(of slots: [TensorSlot], documentBytes: Int) throws -> Int
  /// Gives tensors their places; more may follow where the format can do without knowing all of them.
  ///
  /// - Throws: ``CogError`` when a name stands twice, the format cannot hold a tensor, or the sizes do not
  ///   fit 63 bits.
  func reserve(_ slots: [TensorSlot]) throws
  /// Starts a tensor that has a place.
  ///
  /// - Throws: ``CogError`` when it has none, or one for another shape or encoding, or was begun before.
  func begin(_ slot: TensorSlot) throws -> TensorWriter
  /// Takes a tensor that an earlier run has written to the part for one of this run.
  ///
  /// - Throws: as ``begin(_:)``; and when it does not lie at its place.
  func adopt(_ tensor: StoredTensor) throws
  /// Writes what belongs to the model beside its tensors, makes all of it durable and gives it its name.
  ///
  /// - Returns: the bytes of the output.
  /// - Throws: ``CogError`` when a tensor did not come or is not ended, or the disk fails; nothing appears
  ///   under the name then.
  @discardableResult
  func finish(_ documents: ModelDocuments) throws -> Int
}

extension ModelSink {
  /// The path that the output will have.
  package var path: String { part.path }

  /// Writes a tensor whose bytes are all at hand, and gives it a place first where it has none.
  ///
  /// - Throws: as ``reserve(_:)``, ``begin(_:)`` and ``TensorWriter``.
  package func append(_ slot: TensorSlot, bytes: UnsafeRawBufferPointer, error: StorageError) throws {
    try reserve([slot])
    var writer = try begin(slot)
    try writer.write(bytes)
    try writer.end(error: error)
  }
}

/// What belongs to a model beside its tensors.
package struct ModelDocuments: Sendable {
  /// Configuration, provenance and recipe.
  package let metadata: ModelMetadata
  /// The tokenizer.
  package let tokenizer: TokenizerText

  /// The documents of a model.
  package init(metadata: ModelMetadata, tokenizer: TokenizerText) {
    self.metadata = metadata
    self.tokenizer = tokenizer
  }
}

/// A tokenizer in the forms that formats want.
package struct TokenizerText: Sendable {
  /// The form of `Formats/tokenizer.md`.
  package let compact: [UInt8]
  /// `tokenizer.json`, made or read when it is asked for.
  package let json: @Sendable () throws -> [UInt8]

  /// A tokenizer.
  package init(compact: [UInt8], json: @escaping @Sendable () throws -> [UInt8]) {
    self.compact = compact
    self.json = json
  }
}
