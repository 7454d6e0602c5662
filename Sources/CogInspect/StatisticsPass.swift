import CogBase
package import CogCompute
package import CogModel

/// One pass over the tensors of a source, in the order of its files; what is done with leaves memory.
package enum StatisticsPass {
  /// Measures the tensors that fit a filter.
  ///
  /// - Parameter zeros: is told the runs of zeros in each tensor of a plain type.
  /// - Throws: ``CogError`` when a tensor is damaged, or none fits; what the context's cancellation throws.
  package static func run(
    _ store: any TensorStore, filter: TensorFilter = TensorFilter(), _ context: RunContext,
    zeros: (TensorEntry, ZeroRuns) -> Void = { _, _ in }
  ) throws -> StatisticsReport {
    let collector = StatisticsCollector(context)
    let entries = try filter.select(from: store.entries, of: store.path) { ($0.name, $0.partName) }
    let window = SourceWindow(store.files, hashes: false)
    defer { window.endReading() }
    let progress = context.progress.begin(
      "measuring", total: entries.reduce(0) { $0 &+ $1.byteCount })
    defer { progress.finish() }
    for entry in entries {
      guard StatisticsMeter.canMeasure(entry.encoding) else {
        collector.add(note: "\(entry.name): elements of type \(entry.encoding.label) are not measured")
        continue
      }
      if entry.isRounded {
        collector.add(note: "\(entry.name): \(entry.encoding.label) elements were rounded to float32")
      }
      try naming(file: entry.file) {
        let bytes = try store.wholeBytes(of: entry)
        var (done, runs) = (0, ZeroRuns())
        try bytes.withUnsafeBytes { buffer in
          try collector.add(entry, buffer) { count in
            runs.add(ZeroRuns(of: UnsafeRawBufferPointer(rebasing: buffer[done..<max(done, count)])))
            window.passes(entry, bytes, done..<max(done, count))
            progress.advance(by: count - done, entry.name)
            done = count
          }
        }
        if !entry.encoding.isQuantized { zeros(entry, runs) }
        store.release(entry)
      }
    }
    return collector.report(path: store.path)
  }
}

extension TensorEntry {
  /// Whether float32 cannot hold all values of the type.
  var isRounded: Bool {
    switch encoding.plainType {
    case .float64, .int64, .uint64, .int32, .uint32: true
    default: false
    }
  }
}
