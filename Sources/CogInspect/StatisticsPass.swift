import CogBase
import CogCompute
import CogModel
import CogNative

/// One pass over the tensors of a source, in the order of its files; what is done with leaves memory.
package enum StatisticsPass {
  /// Measures the tensors that fit a filter.
  ///
  /// - Throws: ``CogError`` when the path is nothing that is read, a tensor is damaged, or none fits; an
  ///   interrupt.
  package static func run(path: String, filter: TensorFilter = TensorFilter()) throws -> StatisticsReport {
    try run(TensorCatalog(path: path), filter: filter)
  }

  /// The same of a source that is open.
  package static func run(_ catalog: TensorCatalog, filter: TensorFilter = TensorFilter()) throws
    -> StatisticsReport
  {
    try run(catalog, filter: filter, StatisticsCollector(threads: .shared, stopCheck: Interruption.check))
  }

  /// The same with threads and kernels of the caller's choice.
  package static func run(
    _ catalog: TensorCatalog, filter: TensorFilter, _ collector: StatisticsCollector
  ) throws -> StatisticsReport {
    let entries = try filter.select(from: catalog.entries, of: catalog.path) { ($0.name, $0.part) }
    let window = SourceWindow(catalog.files, hashes: false)
    defer { window.endReading() }
    let progress = Progress("measuring", total: entries.reduce(0) { $0 &+ $1.byteCount })
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
        let content = try catalog.content(of: entry)
        var done = 0
        try collector.add(entry, content.bytes) { bytes in
          window.passes(
            content.bytes, of: content.owner, file: entry.file, offset: entry.offset, done..<max(done, bytes))
          progress.advance(by: bytes - done, entry.name)
          done = bytes
        }
        catalog.release(entry)
      }
    }
    return collector.report(path: catalog.path)
  }
}

extension TensorCatalog.Entry {
  /// Whether float32 cannot hold all values of the type.
  var isRounded: Bool {
    switch encoding.plainType {
    case .float64, .int64, .uint64, .int32, .uint32: true
    default: false
    }
  }
}
