import CogBase
package import CogCompute
package import CogModel

/// Writes a model to a sink: its tensors as they come, in another floating-point type, or quantized.
///
/// Tensors are worked on in the order of the source's files, one at a time, in blocks that all threads share.
/// Meanwhile the next bytes are read ahead, the last blocks are written, and the files' checksums are
/// computed; what is done with leaves memory. The output appears under its name only when it is whole. The
/// same source, recipe and tool give the same bytes, whether or not the work was interrupted.
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
    /// Name and version of the program, for the provenance.
    package var tool: String
    /// What to do about weights that are NaN or infinite.
    package var nonFinite: NonFinitePolicy
    /// Whether finite values may become infinite in a narrower type.
    package var allowsOverflow = false
    /// Whether zeros where weights should be, which a broken download leaves, are an error and no warning.
    package var refusesZeros = false
    /// Whether to go on where an earlier run was stopped.
    package var resumes = false
    /// What is read besides the source: files, and folders as those of ``OutputPlace/require(_:besides:)``.
    package var inputs: [String] = []

    /// Settings that refuse overflow and begin anew.
    package init(tool: String, nonFinite: NonFinitePolicy = .refuse) {
      self.tool = tool
      self.nonFinite = nonFinite
    }

    /// Finds out whether the output may be where the sink has it, which a conversion does too; for those who
    /// have long work to do before they begin one.
    ///
    /// - Throws: ``CogError`` as ``Part/requirePlace(besides:)``.
    package func requirePlace(of sink: any ModelSink, besides source: ModelSource) throws {
      try sink.part.requirePlace(besides: source.places + inputs)
    }
  }

  /// Thrown when a conversion is stopped and can go on: by an interrupt, or a disk that is full or fails.
  package struct Stopped: Error {
    /// What has stopped it.
    package let cause: any Error
    /// Where the unfinished work lies.
    package let part: String
    /// Tensors that need not be done again, and all tensors.
    package let finished: Int
    package let total: Int
  }

  let source: ModelSource
  let recipe: QuantizationRecipe
  let options: Options
  let context: RunContext
  let plan: StoragePlan
  let encoder: BlockEncoder

  /// Plans a conversion and checks the source against the table of tensors; nothing is written.
  ///
  /// - Throws: ``CogError`` when the source lacks a tensor or has a wrong one, or the recipe does not fit it.
  package init(
    source: ModelSource, recipe: QuantizationRecipe, options: Options, context: RunContext
  ) throws {
    self.source = source
    self.recipe = recipe
    self.options = options
    self.context = context
    plan = try StoragePlan(source: source, recipe: recipe)
    encoder = BlockEncoder(context: context, method: recipe.method)
  }

  /// Converts and writes the output.
  ///
  /// - Parameter sink: where to; what is there is replaced at the very end.
  /// - Throws: ``CogError`` when the output is one of the files that are read, a tensor is damaged, a value
  ///   cannot be stored, or a source has changed meanwhile: nothing is left then. ``Stopped`` when the work
  ///   can go on later with ``Options/resumes``. ``CogError`` when it cannot go on, because something is not
  ///   as it was: the unfinished work is left as it is.
  @discardableResult
  package func run(into sink: any ModelSink) throws -> ConversionSummary {
    let start = ContinuousClock.now
    if let slot = plan.slots.first(where: { !sink.canStore($0.encoding) }) {
      throw CogError(
        "the format cannot hold the tensor", code: .unsupported, file: sink.path, subject: slot.name,
        found: slot.encoding.label)
    }
    try options.requirePlace(of: sink, besides: source)
    try checkSpace(for: sink)
    let states = try source.files.map(SourceState.init)
    let journal = try ConversionJournal(
      sink: sink, identity: identity(sink, states), files: source.files, resuming: options.resumes)
    do {
      let (tensors, fileBytes) = try write(to: sink, journal, from: states)
      end(journal, keepingWork: false)
      return ConversionSummary(
        tensors: tensors, fileBytes: fileBytes, sourceBytes: plan.sourceBytes,
        seconds: (ContinuousClock.now - start).seconds, leftOut: source.leftOut,
        remarks: recipe.method.remarks, budget: recipe.budget)
    } catch let refusal as ResumeRefusal {
      end(journal, keepingWork: true)
      sink.part.keep()
      throw refusal.cause
    } catch {
      // Without a journal the output has its name already.
      guard Self.canGoOn(after: error), sink.part.journal != nil else {
        end(journal, keepingWork: false)
        sink.part.abandon()
        throw error
      }
      // What is finished is noted, if the disk lets it.
      try? journal.flush()
      end(journal, keepingWork: true)
      sink.part.keep()
      throw Stopped(
        cause: error, part: sink.part.partPath, finished: journal.count, total: plan.tensors.count)
    }
  }

  /// Ends what works beside the sink.
  private func end(_ journal: ConversionJournal, keepingWork: Bool) {
    journal.end()
    recipe.method.end(keepingWork: keepingWork)
  }

  /// Whether the same work may succeed later: not when the input is refused.
  private static func canGoOn(after error: any Error) -> Bool {
    guard let error = error as? CogError else { return true }
    return error.code == .diskFull || error.code == .system
  }

  private func write(
    to sink: any ModelSink, _ journal: ConversionJournal, from states: [SourceState]
  ) throws -> ([ConversionSummary.Tensor], fileBytes: Int) {
    let window = SourceWindow(source.files, hashes: source.isHashed)
    let hasher =
      source.isHashed
      ? FileHasher(source.files, window: window, cancellation: context.cancellation) : nil
    defer { hasher?.cancel() }
    let progress = context.progress.begin(
      recipe.isQuantized ? "quantizing" : "converting", total: plan.sourceBytes)
    defer { progress.finish() }
    let tensors = try storeTensors(sink, journal, window, progress)
    progress.advance(by: 0, "checksums of the source's files")
    let metadata = try metadata(hasher, losses: tensors.flatMap(\.scaleWarnings))
    try journal.flush()
    // Whatever is in the output is of the files as they were, all of them.
    for (path, state) in zip(source.files, states) { try state.requireSame(path) }
    let fileBytes = try sink.finish(ModelDocuments(metadata: metadata, tokenizer: source.tokenizer))
    return (tensors, fileBytes)
  }

  /// - Parameter losses: sentences about scales that did not fit.
  private func metadata(_ hasher: FileHasher?, losses: [String]) throws -> ModelMetadata {
    let warnings = source.warnings + losses
    let sources: [ModelMetadata.SourceFile] =
      if case .carried(let files) = source.provenance { files } else { try hasher?.hashes() ?? [] }
    return ModelMetadata(
      config: source.configurationText, endOfText: source.endOfText,
      provenance: .init(tool: options.tool, sources: sources),
      recipe: recipe.metadata, warnings: warnings.isEmpty ? nil : warnings)
  }

  /// Checks that the disk has room for the output.
  private func checkSpace(for sink: any ModelSink) throws {
    let needed = try sink.largestByteCount(
      of: plan.slots,
      documentBytes: source.tokenizer.compact.count + 2 * source.configurationText.utf8.count + 4096)
    guard let free = Part.freeSpace(near: sink.path) else { return }
    let old = sink.part.reusableBytes
    guard free < needed - old else { return }
    throw CogError(
      "the disk has too little room", code: .diskFull, file: sink.path,
      expected: "\(needed - old) free bytes",
      found: "\(free)", advice: "Free space or write to another disk.")
  }

  private func identity(_ sink: any ModelSink, _ states: [SourceState]) -> ConversionIdentity {
    ConversionIdentity(
      output: sink.format, tool: options.tool, recipe: recipe.metadata,
      keepsNonFinite: options.nonFinite == .keep, allowsOverflow: options.allowsOverflow,
      sources: zip(source.files, states).map { path, state in
        .init(name: path.lastPathName.shown, bytes: state.bytes, modified: state.modified)
      })
  }
}

/// What keeps unfinished work from being taken up. It is left as it is.
struct ResumeRefusal: Error {
  let cause: any Error
}
