import CogBase
package import CogCompute
package import CogModel

extension Inspection {
  /// The inspection with those tensors alone that fit a filter; parts and total are theirs. Files, metadata
  /// and completeness stay those of the whole.
  ///
  /// - Throws: ``CogError`` when no tensor fits.
  package func selecting(_ filter: TensorFilter) throws -> Inspection {
    guard !filter.takesAll else { return self }
    let fitting = try filter.select(from: tensors, of: path) { ($0.name, $0.part) }
    var selection = Inspection(
      path: path, files: files, tensors: fitting, metadata: metadata, completeness: completeness,
      notes: notes + ["\(fitting.count) of \(tensors.count) tensors fit \(filter)"])
    selection.nonFinite = nonFinite
    selection.zeros = zeros
    return selection
  }

  /// The inspection with what comparing the files with their download has shown.
  package func noting(_ check: DownloadCheck) -> Inspection {
    var noted = self
    noted.notes += check.notes + check.damage.map(\.description)
    return noted
  }

  /// The inspection with the tensors named that hold NaN or infinite values, or zeros where weights should
  /// be. Reads every value once, on all
  /// cores; checksums of PyTorch files are compared on the way. What has no values here (`F8_E4M3` and such)
  /// a note names.
  ///
  /// - Parameters:
  ///   - store: the tensors that this lists.
  ///   - spare: finds the tokens whose rows may be zeros; nil where the tokenizer is not known.
  ///   - context: what the values are read with.
  /// - Throws: ``CogError`` when a tensor is damaged; an interrupt.
  package func checkingValues(
    of store: any TensorStore, spare: () -> SpareTokens? = { nil }, _ context: RunContext
  ) throws -> Inspection {
    var zeros: [Zeros] = []
    var notes: [String] = []
    let measured = try StatisticsPass.run(store, context) { entry, runs in
      let findings = ZeroFindings(runs, in: entry, spare: spare)
      if let problem = findings.text(in: entry) {
        zeros.append(
          Zeros(
            name: entry.name, file: entry.file, problem: problem, holes: findings.holes,
            holeCount: findings.holeCount, holeBytes: findings.holeBytes))
      }
      if findings.zeroRows > 0 { notes.append("\(entry.name): \(findings.zeroRows) rows are zeros") }
    }.tensors
    let names = Set(measured.map(\.name))
    var checked = self
    checked.nonFinite = measured.compactMap { tensor in
      let (nan, infinite) = (tensor.figures.nan, tensor.figures.infinite)
      return nan + infinite == 0 ? nil : NonFinite(name: tensor.name, nan: nan, infinite: infinite)
    }
    checked.zeros = zeros
    checked.notes += notes
    checked.notes += tensors.filter { !names.contains($0.name) }.map { tensor in
      "\(tensor.name): values of type \(tensor.type.label) are not looked at"
    }
    return checked
  }
}
