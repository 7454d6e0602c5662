import CogBase
package import CogCompute
import CogModel
import CogNative
import Glibc

/// Writes a model as a native file: its tensors as they come, in another floating-point type, or quantized.
///
/// Tensors are worked on in the order of the source's files, one at a time, in blocks that all threads share.
/// Meanwhile the next bytes are read ahead, the last blocks are written, and the files' checksums are
/// computed; what is done with leaves memory. The file appears under its name only when it is whole. The same
/// source, recipe and tool give the same bytes.
package struct Conversion {
  /// What to do about weights that are NaN or infinite.
  package enum NonFinitePolicy: Sendable {
    /// An error that names tensor, row and column.
    case refuse
    /// They are kept, a matrix that has some unquantized in the source's type; the summary warns.
    case keep
  }

  /// Settings beside the recipe.
  package struct Options: Sendable {
    /// Name and version of the program, for the file's provenance.
    package var tool: String
    /// What to do about weights that are NaN or infinite.
    package var nonFinite: NonFinitePolicy
    /// Whether finite values may become infinite in a narrower type.
    package var allowsOverflow = false
    /// The threads that work.
    package var threads = ThreadPool.shared
    /// The kernels, or nil for the fastest.
    package var kernels: KernelSet?
    /// Called between blocks; what it throws ends the conversion.
    package var stopCheck: @Sendable () throws -> Void = Interruption.check

    /// Settings that refuse overflow and can be interrupted.
    package init(tool: String, nonFinite: NonFinitePolicy = .refuse) {
      self.tool = tool
      self.nonFinite = nonFinite
    }
  }

  private let source: ModelSource
  private let recipe: QuantizationRecipe
  private let options: Options
  private let plan: StoragePlan
  private let encoder: BlockEncoder

  /// Plans a conversion and checks the source against the table of tensors; nothing is written.
  ///
  /// - Throws: ``CogError`` when the source lacks a tensor or has a wrong one, or the recipe does not fit it.
  package init(source: ModelSource, recipe: QuantizationRecipe, options: Options) throws {
    self.source = source
    self.recipe = recipe
    self.options = options
    plan = try StoragePlan(source: source, recipe: recipe)
    encoder = BlockEncoder(
      kernels: try options.kernels ?? KernelSet.best(), pool: options.threads, stopCheck: options.stopCheck)
  }

  /// An upper bound of the tensors' bytes in the new file.
  package var plannedBytes: Int { plan.storedBytes }

  /// Converts and writes the file.
  ///
  /// - Parameter path: the new file; one that is there is replaced at the very end.
  /// - Throws: ``CogError`` when `path` is one of the source's files, the disk is full, a tensor is damaged,
  ///   or a value cannot be stored; what ``Options/stopCheck`` throws. Nothing is left under the name then,
  ///   nor beside it.
  @discardableResult
  package func run(writingTo path: String) throws -> ConversionSummary {
    let start = ContinuousClock.now
    try OutputPlace.check(path, sources: source.files)
    try plan.checkSpace(
      for: path, otherBytes: source.tokenizer.count + 2 * source.configurationText.utf8.count + 4096)
    let window = SourceWindow(source.files, hashes: source.isHashed)
    let hasher = source.isHashed ? FileHasher(source.files, window: window) : nil
    defer { hasher?.cancel() }
    let progress = Progress(recipe.isQuantized ? "quantizing" : "converting", total: plan.sourceBytes)
    defer { progress.finish() }
    let writer = try NativeWriter(path: path)
    let tensors = try storeTensors(writer, window, progress)
    progress.advance(by: 0, "checksums of the source's files")
    let fileBytes = try writer.finish(metadata: metadata(hasher), tokenizer: source.tokenizer)
    return ConversionSummary(
      tensors: tensors, fileBytes: fileBytes, sourceBytes: plan.sourceBytes,
      seconds: (ContinuousClock.now - start).seconds)
  }

  private func metadata(_ hasher: FileHasher?) throws -> NativeMetadata {
    let sources: [NativeMetadata.SourceFile] =
      if case .carried(let files) = source.provenance { files } else {
        try hasher?.wait(options.stopCheck) ?? []
      }
    return NativeMetadata(
      config: source.configurationText, provenance: .init(tool: options.tool, sources: sources),
      recipe: recipe.metadata)
  }
}

extension Conversion {
  /// Stores all tensors and says what became of them, in the order of the table, which is that of the new
  /// file.
  private func storeTensors(
    _ writer: NativeWriter, _ window: SourceWindow, _ progress: Progress
  ) throws -> [ConversionSummary.Tensor] {
    defer { window.endReading() }
    // Where a matrix's own values decide about its encoding, places are known only when those before it are
    // written.
    let inFileOrder = !(recipe.isQuantized && options.nonFinite == .keep)
    if inFileOrder { try writer.reserve(plan.tensors.map(\.reservation)) }
    let queue = BlockWriter(writer)
    defer { queue.cancel() }
    var summaries = [ConversionSummary.Tensor?](repeating: nil, count: plan.tensors.count)
    do {
      for index in inFileOrder ? plan.fileOrder : Array(plan.tensors.indices) {
        summaries[index] = try store(plan.tensors[index], queue, window, progress)
      }
      try queue.finish()
    } catch let failure as BlockWriter.Failure {
      throw failure.cause
    }
    return summaries.compactMap { $0 }
  }

  /// Stores one tensor and says what became of it.
  private func store(
    _ tensor: PlannedTensor, _ queue: BlockWriter, _ window: SourceWindow, _ progress: Progress
  ) throws -> ConversionSummary.Tensor {
    let name = tensor.specification.name
    do {
      let view = try SourceTensor(tensor.entry, in: source.tensors)
      let encoding = try effectiveEncoding(of: tensor, view)
      try queue.begin(
        .init(name: name, shape: tensor.specification.shape, encoding: encoding),
        sourceType: view.elementType)
      let emit: BlockEncoder.Emit = { [buffers = encoder.buffers] block in
        try queue.write(block) {
          buffers.giveBack(block)
          window.passes(view.entry, view.bytes, block.sourceRange)
        }
        progress.advance(by: block.sourceRange.count, name)
      }
      var outcome = PlainOutcome()
      let error: StorageError
      if let type = encoding.plainType {
        outcome = try encoder.convert(view, to: type, inspect: { try check($0, view, type) }, emit: emit)
        error =
          type == view.elementType
          ? .none : StorageError(squaredError: outcome.squaredError, squares: outcome.squares)
      } else {
        let layout = try PanelLayout(encoding: encoding, shape: tensor.specification.shape)
        error = try encoder.quantize(view, layout: layout, emit: emit)
      }
      try queue.end(error: error)
      source.tensors.release(tensor.entry)
      return try summary(of: tensor, view, encoding, outcome, error)
    } catch var error as CogError {
      error.subject = [name, error.subject].compactMap { $0 == name ? nil : $0 }.reduce(name) {
        "\($0), \($1)"
      }
      throw error.inFile(tensor.entry.file)
    }
  }

  /// The planned encoding; the source's own type for a matrix with NaN or infinity that is to be kept.
  private func effectiveEncoding(of tensor: PlannedTensor, _ view: SourceTensor) throws -> TensorEncoding {
    guard tensor.encoding.isQuantized, options.nonFinite == .keep else { return tensor.encoding }
    let outcome = try encoder.convert(view, to: view.elementType, inspect: { _ in }, emit: { _ in })
    return outcome.nonFinite > 0 ? .plain(view.elementType) : tensor.encoding
  }

  /// Throws for values that the options do not allow.
  private func check(_ outcome: PlainOutcome, _ view: SourceTensor, _ type: ElementType) throws {
    let columns = view.shape.rank > 1 ? view.shape.columns : 1
    if options.nonFinite == .refuse, let index = outcome.firstNonFinite {
      throw NonFinite.error(row: index / columns, column: index % columns, value: nil)
    }
    if !options.allowsOverflow, let index = outcome.firstOverflow {
      throw CogError(
        "values become infinite in \(type.rawValue)",
        subject: "row \(index / columns), column \(index % columns)",
        expected: "values that \(type.rawValue) can hold",
        found: "\(outcome.overflowed) that are too large so far",
        advice: "Choose BF16 or F32, or allow it with --allow-overflow.")
    }
  }

  private func summary(
    of tensor: PlannedTensor, _ view: SourceTensor, _ encoding: TensorEncoding, _ outcome: PlainOutcome,
    _ error: StorageError
  ) throws -> ConversionSummary.Tensor {
    let shape = tensor.specification.shape
    return ConversionSummary.Tensor(
      name: tensor.specification.name, part: tensor.specification.part, shape: shape,
      sourceType: view.elementType,
      encoding: encoding, isQuantized: encoding.isQuantized, bytes: try encoding.byteCount(of: shape),
      bfloat16Bytes: try shape.byteCount(of: .bfloat16), error: error, overflowed: outcome.overflowed,
      vanished: outcome.vanished, nonFinite: outcome.nonFinite)
  }
}
