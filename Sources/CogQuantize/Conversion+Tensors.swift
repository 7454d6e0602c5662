import CogBase
import CogModel

extension Conversion {
  /// Whether places are known before the first tensor: not where a matrix's own values decide about its
  /// encoding.
  private var knowsPlaces: Bool { !(recipe.isQuantized && options.nonFinite == .keep) }

  /// The tensors in the order in which they are worked on.
  private var workOrder: [Int] {
    guard knowsPlaces else { return Array(plan.tensors.indices) }
    return recipe.method.order(of: plan.slots) ?? plan.fileOrder
  }

  /// Stores all tensors and says what became of them, in the order of the table, which is that of the new
  /// file.
  func storeTensors(
    _ sink: any ModelSink, _ journal: ConversionJournal, _ window: SourceWindow,
    _ progress: any ProgressTask
  ) throws -> [ConversionSummary.Tensor] {
    defer { window.endReading() }
    if knowsPlaces { try sink.reserve(plan.slots) }
    let queue = SinkQueue(sink)
    defer { queue.cancel() }
    let work = TensorWork(
      queue: queue, part: sink.part, journal: journal, window: window, progress: progress)
    var summaries = [ConversionSummary.Tensor?](repeating: nil, count: plan.tensors.count)
    do {
      for index in workOrder {
        summaries[index] = try store(plan.tensors[index], work)
      }
      try queue.finish()
    } catch let failure as SinkQueue.Failure {
      throw failure.cause
    }
    return summaries.compactMap { $0 }
  }

  /// Stores one tensor, unless an earlier run has, and says what became of it.
  private func store(_ tensor: PlannedTensor, _ work: TensorWork) throws -> ConversionSummary.Tensor {
    let name = tensor.slot.name
    do {
      let view = try SourceTensor(tensor.entry, in: source.tensors)
      defer { source.tensors.release(tensor.entry) }
      if let entry = work.journal.finished[name] { return try takeOver(tensor, view, entry, work) }
      return try encode(tensor, view, work)
    } catch let error as CogError {
      throw error.inTensor(name).inFile(tensor.entry.file)
    }
  }

  private func encode(
    _ tensor: PlannedTensor, _ view: SourceTensor, _ work: TensorWork
  ) throws -> ConversionSummary.Tensor {
    let slot = try tensor.stored(as: effectiveEncoding(of: tensor, view))
    try work.queue.begin(slot, placing: !knowsPlaces)
    let encoded = try encoder.encode(view, as: slot, inspect: { try check($0, view, slot) }) { block in
      try work.queue.write(block) { [buffers = encoder.buffers, window = work.window] in
        buffers.giveBack(block)
        window.passes(view.entry, view.bytes, block.sourceRange)
      }
      work.progress.advance(by: block.sourceRange.count, slot.name)
    }
    let zeros = ZeroFindings(encoded.zeroRuns, in: tensor.entry.known(as: tensor.specification)) {
      source.spareTokens
    }
    try check(zeros, tensor)
    try work.queue.end(error: encoded.error) { [journal = work.journal] stored in
      try journal.note(FinishedTensor(stored, encoded, zeros: zeros))
    }
    return try ConversionSummary.Tensor(slot, of: tensor, encoded, zeros: zeros)
  }

  /// Throws for holes where the options refuse them.
  private func check(_ zeros: ZeroFindings, _ tensor: PlannedTensor) throws {
    guard options.refusesZeros, let text = zeros.text(in: tensor.entry) else { return }
    throw CogError(
      text, code: .damaged,
      advice: "The download is damaged: download the file again; or allow it with --allow-zeros.")
  }

  /// The planned encoding; the source's own type for a matrix with NaN or infinity that is to be kept, or
  /// with values that are infinite in float32, by way of which all are quantized.
  private func effectiveEncoding(of tensor: PlannedTensor, _ view: SourceTensor) throws -> TensorEncoding {
    guard tensor.slot.encoding.isQuantized, options.nonFinite == .keep else { return tensor.slot.encoding }
    let type = tensor.entry.floatType
    let probe = try tensor.stored(as: .plain(type == .float64 ? .float32 : type))
    let outcome = try encoder.encode(view, as: probe, inspect: { _ in }, emit: { _ in }).outcome
    return outcome.nonFinite + outcome.overflowed > 0 ? .plain(type) : tensor.slot.encoding
  }

  /// Throws for values that the options do not allow.
  private func check(_ outcome: PlainOutcome, _ view: SourceTensor, _ slot: TensorSlot) throws {
    let columns = view.shape.rank > 1 ? view.shape.columns : 1
    if options.nonFinite == .refuse, let index = outcome.firstNonFinite {
      throw NonFinite.error(row: index / columns, column: index % columns, value: nil)
    }
    if !options.allowsOverflow, let index = outcome.firstOverflow {
      let type = slot.encoding.label
      throw CogError(
        "values become infinite in \(type)",
        subject: "row \(index / columns), column \(index % columns)",
        expected: "values that \(type) can hold",
        found: "\(outcome.overflowed) that are too large so far",
        advice: "Choose BF16 or F32, or allow it with --allow-overflow.")
    }
  }
}

// MARK: Going on

extension Conversion {
  /// Takes a tensor that an earlier run has finished, after a look at its source and at what was written.
  private func takeOver(
    _ tensor: PlannedTensor, _ view: SourceTensor, _ entry: FinishedTensor, _ work: TensorWork
  ) throws -> ConversionSummary.Tensor {
    let encodings = [tensor.slot.encoding, .plain(tensor.entry.floatType)]
    let zeros = entry.zeros ?? ZeroFindings()
    guard let encoding = encodings.first(where: { $0.label == entry.encoding }),
      let checksum = UInt32(entry.crc32, radix: 16), let sourceChecksum = UInt64(entry.source, radix: 16),
      zeros.fit(byteCount: view.bytes.count)
    else {
      throw ResumeRefusal(
        cause: CogError(
          "the journal has the tensor otherwise", code: .damaged, file: work.part.journalPath,
          subject: entry.name, expected: tensor.slot.encoding.label, found: entry.encoding,
          advice: Journal.startAnew))
    }
    let stored = StoredTensor(
      slot: try tensor.stored(as: encoding), file: entry.file, offset: entry.offset, checksum: checksum,
      error: entry.error)
    try context.cancellation.check()
    guard try encoder.sourceChecksum(of: view, as: stored.slot).value == sourceChecksum else {
      throw ResumeRefusal(
        cause: CogError(
          "the tensor has changed since the work was begun", code: .damaged, file: tensor.entry.file,
          subject: entry.name, advice: Journal.startAnew))
    }
    do {
      guard entry.bytes == stored.slot.byteCount, try encoder.checksum(of: stored, in: work.part) == checksum
      else {
        throw CogError(
          "the unfinished work is damaged", code: .damaged, file: work.part.partPath, subject: entry.name,
          expected: "checksum \(entry.crc32)", advice: Journal.startAnew)
      }
    } catch let error as CogError where error.code == .damaged {
      throw ResumeRefusal(cause: error.inTensor(entry.name))
    }
    try check(zeros, tensor)
    try work.queue.adopt(stored, placing: !knowsPlaces)
    work.window.passes(view.entry, view.bytes, 0..<view.bytes.count)
    work.progress.advance(by: view.bytes.count, entry.name)
    var outcome = PlainOutcome()
    (outcome.overflowed, outcome.vanished, outcome.nonFinite) = (
      entry.overflowed, entry.vanished, entry.nonFinite
    )
    let encoded = EncodedTensor(
      error: entry.error, outcome: outcome, scaleLosses: entry.scales ?? ScaleLosses())
    return try ConversionSummary.Tensor(stored.slot, of: tensor, encoded, zeros: zeros)
  }
}

/// What storing a tensor needs beside the tensor.
private struct TensorWork {
  let queue: SinkQueue
  let part: Part
  let journal: ConversionJournal
  let window: SourceWindow
  let progress: any ProgressTask
}

extension CogError {
  /// The same error with the tensor named in front of the place within it.
  fileprivate func inTensor(_ name: String) -> CogError {
    var copy = self
    copy.subject = subject.map { $0 == name ? name : "\(name), \($0)" } ?? name
    return copy
  }
}
