import CogCompute
package import CogEngine
import CogModel

extension VisionStages {
  /// The stages in the order of the forward pass, each under the point whose value it gives.
  func stages(layerCount: Int) -> [(point: TapPoint, run: (FloatMatrix) throws -> FloatMatrix)] {
    let layers: [(TapPoint, (FloatMatrix) throws -> FloatMatrix)] = (0..<layerCount).map { number in
      (.visionLayer(number), { try layer(number, $0) })
    }
    return [(.patchEmbedding, patchEmbedding)] + layers
      + [(.convolution, convolution), (.adapter, adapter), (.vision, framed)]
  }
}

extension Engine {
  /// The profile of tolerance that the weights and the mode have of themselves.
  package var toleranceProfile: ToleranceProfile {
    ToleranceProfile(weights: file.tensors.map(\.encoding), mode: compute.mode)
  }
}
