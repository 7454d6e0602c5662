import CogBase
package import CogCompute
package import CogMedia

extension Engine {
  /// The image features of decoded frames: prepared, then through the vision tower and the adapter.
  ///
  /// - Returns: `[frames * 66, width]`.
  /// - Throws: `CogError` when there are no frames; an interrupt.
  package func features(of images: [RGBImage]) throws -> FloatMatrix {
    guard !images.isEmpty else { throw CogError("there are no frames") }
    let preparation = try ImagePreparation(size: configuration.vision.imageSize)
    let progress = Progress("Looking at \(images.count) frames", total: configuration.vision.layerCount)
    defer { progress.finish() }
    return try vision.forward(preparation.matrix(of: images), progress: progress)
  }
}

extension ImagePreparation {
  /// Prepared images as the vision tower takes them: `[frames, 3 * size * size]`.
  package func matrix(of images: [RGBImage]) -> FloatMatrix {
    let width = 3 * size * size
    let result = FloatMatrix(rows: images.count, columns: width)
    for (index, image) in images.enumerated() {
      prepare(image).withUnsafeBufferPointer { planes in
        let target = result.pointer + index * width
        target.update(from: planes.baseAddress ?? UnsafePointer(target), count: width)
      }
    }
    return result
  }
}
