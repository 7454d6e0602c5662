import CogCheckpoint
import CogCompute
import CogInspect
import CogModel
import CogSources

/// What a path has, opened as the commands open it.
func openedTensors(_ path: String) throws -> any TensorStore { try Input(path: path).tensors() }

/// What is in a checkpoint at a path.
func inspected(_ path: String) throws -> Inspection { try Inspection(Input(path: path).checkpoint()) }

extension StatisticsPass {
  /// Measures the tensors at a path.
  static func run(opening path: String, filter: TensorFilter = TensorFilter()) throws -> StatisticsReport {
    try run(openedTensors(path), filter: filter, RunContext())
  }
}

extension TensorDiffPass {
  /// Compares the tensors at two paths.
  static func run(opening a: String, b: String, filter: TensorFilter = TensorFilter()) throws -> TensorDiff {
    try run(openedTensors(a), openedTensors(b), filter: filter, RunContext())
  }
}
