import CogEngine
import CogInspect
import CogModel
import CogNative

extension ModelComparisonReport.Part {
  /// The parts of two models, with the errors of their weights and their taps.
  static func all(
    _ engine: Engine, _ reference: Engine, weights: TensorDiff, taps: [ModelComparisonReport.Tap]
  ) -> [Self] {
    let errors = Dictionary(taps.map { ($0.point, $0) }) { first, _ in first }
    let weights = Dictionary(weights.parts.map { ($0.name, $0.relativeL2) }) { first, _ in first }
    let points = TapPoint.all(engine.configuration)
    return ModelPart.allCases.map { part in
      let own = points.filter { $0.part == part }.compactMap { errors[$0] }
      return Self(
        part: part, bitsPerWeight: engine.file.bitsPerWeight(of: part),
        againstBitsPerWeight: reference.file.bitsPerWeight(of: part),
        weightRelativeL2: weights[part.rawValue] ?? 0,
        isolatedRelativeL2: largest(own.map(\.isolatedRelativeL2)), relativeL2: largest(own.map(\.relativeL2))
      )
    }
  }

  private static func largest(_ errors: [Double]) -> Double? {
    errors.contains(where: \.isNaN) ? .nan : errors.max()
  }
}

extension ModelComparisonReport.Tensor {
  /// The tensors of two files, in the order of the tested one.
  static func all(_ weights: TensorDiff, in file: NativeFile) -> [Self] {
    let stored = Dictionary(file.entries.map { ($0.name, $0) }) { first, _ in first }
    return weights.tensors.compactMap { tensor in
      guard let stored = stored[tensor.name], let part = stored.part else { return nil }
      return Self(
        name: tensor.name, part: part, encoding: tensor.typeA, againstEncoding: tensor.typeB,
        bitsPerWeight: stored.bitsPerWeight, isIdentical: tensor.isIdentical,
        relativeL2: tensor.relativeL2, worstGroup: tensor.worstGroup?.relativeL2,
        worstRow: tensor.worstGroup?.row, notFinite: tensor.notFinite,
        recordedRelativeRMS: Double(stored.error?.relativeRMS ?? 0))
    }
  }
}
