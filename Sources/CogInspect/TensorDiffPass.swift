import CogBase
package import CogCompute
package import CogModel
import Glibc

/// Goes through two sources side by side, in the order of the first one's files; what is done with leaves
/// memory.
package enum TensorDiffPass {
  /// Compares the tensors of `a` with those of `b`, the reference, where they fit a filter.
  ///
  /// - Throws: ``CogError`` when a tensor is damaged, or none fits; what the context's
  ///   cancellation throws.
  package static func run(
    _ a: any TensorStore, _ b: any TensorStore, filter: TensorFilter = TensorFilter(), _ context: RunContext
  ) throws -> TensorDiff {
    let entriesA = a.entries.filter { filter.takes(name: $0.name, part: $0.partName) }
    let entriesB = b.entries.filter { filter.takes(name: $0.name, part: $0.partName) }
    if entriesA.isEmpty, entriesB.isEmpty {
      _ = try filter.select(from: a.entries, of: a.path) { ($0.name, $0.partName) }
    }
    var run = TensorDiffRun(a, b, TensorDiffMeter(context))
    let bytes = entriesA.reduce(0) { $0 &+ $1.byteCount } &+ entriesB.reduce(0) { $0 &+ $1.byteCount }
    let progress = context.progress.begin("comparing", total: bytes)
    defer { progress.finish() }
    for entry in entriesA {
      // A filter by part may take the tensor on one side only, where the other side's model is not known.
      guard let other = b.entry(named: entry.name) else {
        run.missingInB.append(entry.name)
        continue
      }
      try run.compare(entry, other)
      progress.advance(by: entry.byteCount + other.byteCount, entry.name)
    }
    run.missingInA = entriesB.map(\.name).filter { a.entry(named: $0) == nil }
    try run.findSwaps()
    run.end()
    return run.diff
  }
}

/// What a comparison has found so far.
private struct TensorDiffRun {
  private struct Group {
    var tensorCount = 0
    var identicalCount = 0
    var sums = MeasureSums()

    func result(name: String) -> TensorDiff.Group {
      let measures = sums.measures
      return TensorDiff.Group(
        name: name, tensorCount: tensorCount, identicalCount: identicalCount,
        relativeL2: measures.relativeL2, sqnr: measures.sqnr, maxAbs: measures.maxAbs,
        cosine: measures.cosine)
    }
  }

  private let a: any TensorStore
  private let b: any TensorStore
  private let meter: TensorDiffMeter
  private let windows: (a: SourceWindow, b: SourceWindow)
  private var tensors: [TensorDiff.Tensor] = []
  private var partOrder: [String] = []
  private var parts: [String: Group] = [:]
  private var total = Group()
  private var notes: [String] = []
  private var misshapen: [TensorDiff.Misshapen] = []
  private var search = SwapSearch()
  private var swapped: [TensorDiff.Swap] = []
  var missingInA: [String] = []
  var missingInB: [String] = []

  init(_ a: any TensorStore, _ b: any TensorStore, _ meter: TensorDiffMeter) {
    (self.a, self.b, self.meter) = (a, b, meter)
    windows = (SourceWindow(a.files, hashes: false), SourceWindow(b.files, hashes: false))
  }

  var diff: TensorDiff {
    TensorDiff(
      a: a.path, b: b.path, notes: notes, tensors: tensors,
      parts: partOrder.compactMap { name in parts[name]?.result(name: name) },
      total: total.result(name: "total"), missingInA: missingInA, missingInB: missingInB,
      misshapen: misshapen, swapped: swapped)
  }

  func end() {
    windows.a.endReading()
    windows.b.endReading()
  }

  mutating func compare(_ entryA: TensorEntry, _ entryB: TensorEntry) throws {
    guard entryA.shape == entryB.shape else {
      misshapen.append(.init(name: entryA.name, shapeA: entryA.shape, shapeB: entryB.shape))
      return
    }
    let bytesA = try naming(file: entryA.file) { try a.wholeBytes(of: entryA) }
    let bytesB = try naming(file: entryB.file) { try b.wholeBytes(of: entryB) }
    let isIdentical: Bool
    var outcome: TensorDiffMeter.Outcome?
    if StatisticsMeter.canMeasure(entryA.encoding), StatisticsMeter.canMeasure(entryB.encoding) {
      let compared = try meter.compare(
        TensorDiffOperand(entryA, bytesA), TensorDiffOperand(entryB, bytesB)
      ) { [windows] doneA, doneB in
        windows.a.passes(entryA, bytesA, 0..<doneA)
        windows.b.passes(entryB, bytesB, 0..<doneB)
      }
      (outcome, isIdentical) = (compared, compared.isIdentical)
      search.add(entryA, entryB, compared.sums)
    } else {
      isIdentical =
        entryA.encoding == entryB.encoding
        && bytesA.withUnsafeBytes { a in bytesB.withUnsafeBytes { a.isSame(as: $0) } }
      if !isIdentical {
        notes.append("\(entryA.name): elements of such types are compared by their bytes only, which differ")
      }
    }
    a.release(entryA)
    b.release(entryB)
    add(entryA, entryB, isIdentical: isIdentical, outcome)
  }

  /// Looks for tensors that stand under each other's names; the few that might are read again.
  mutating func findSwaps() throws {
    swapped = try search.swaps { entryA, entryB in
      let operands = (
        TensorDiffOperand(entryA, try a.wholeBytes(of: entryA)),
        TensorDiffOperand(entryB, try b.wholeBytes(of: entryB))
      )
      defer {
        a.release(entryA)
        b.release(entryB)
      }
      return try meter.compare(operands.0, operands.1) { _, _ in }.difference.largest == 0
    }
  }

  private mutating func add(
    _ entryA: TensorEntry, _ entryB: TensorEntry, isIdentical: Bool,
    _ outcome: TensorDiffMeter.Outcome?
  ) {
    // The reference's model names the part, unless only the other one is known.
    let part = entryB.part == nil ? entryA.partName : entryB.partName
    tensors.append(
      TensorDiff.Tensor(entryA, entryB, part: part, isIdentical: isIdentical, outcome))
    func count(in group: inout Group) {
      group.tensorCount += 1
      if isIdentical { group.identicalCount += 1 }
      guard let outcome else {
        group.sums.hasNaN = group.sums.hasNaN || !isIdentical
        return
      }
      group.sums.add(outcome.sums)
    }
    if parts[part] == nil { partOrder.append(part) }
    count(in: &parts[part, default: Group()])
    count(in: &total)
  }
}

extension TensorDiff.Tensor {
  fileprivate init(
    _ a: TensorEntry, _ b: TensorEntry, part: String, isIdentical: Bool,
    _ outcome: TensorDiffMeter.Outcome?
  ) {
    (name, shape, self.part, self.isIdentical) = (a.name, a.shape, part, isIdentical)
    (typeA, typeB) = (a.encoding, b.encoding)
    let measures = outcome.map(\.sums.measures) ?? (isIdentical ? Measures.none : nil)
    (relativeL2, sqnr) = (measures?.relativeL2, measures?.sqnr)
    (maxAbs, cosine) = (measures?.maxAbs, measures?.cosine)
    guard let outcome else {
      (maxAbsAt, worstGroup, notFinite, firstNotFinite) = (nil, nil, 0, nil)
      return
    }
    let difference = outcome.difference
    let indices = { [shape] (place: Int) in shape.indices(of: place) }
    maxAbsAt = difference.largest > 0 ? indices(difference.largest_at) : nil
    notFinite = difference.not_finite
    firstNotFinite = difference.not_finite > 0 ? indices(difference.first_not_finite) : nil
    let columns = max(1, shape.rank > 1 ? shape.columns : shape.elementCount)
    worstGroup =
      difference.worst_group > 0
      ? .init(
        relativeL2: difference.worst_group, row: difference.worst_group_at / columns,
        group: difference.worst_group_at % columns / outcome.groupSize, size: outcome.groupSize) : nil
  }
}
