import CogBase

/// Copies the elements of a strided view into row-major order.
///
/// - Parameters:
///   - tensor: the layout; it was checked to lie within `source`.
///   - source: the bytes of the view's storage from its first element on.
///   - target: `tensor.byteCount` bytes.
func gather(
  _ tensor: TorchTensor, from source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
) {
  switch tensor.elementType.byteWidth {
  case 1: gather(tensor, as: UInt8.self, from: source, into: target)
  case 2: gather(tensor, as: UInt16.self, from: source, into: target)
  case 4: gather(tensor, as: UInt32.self, from: source, into: target)
  case 8: gather(tensor, as: UInt64.self, from: source, into: target)
  default: gather(tensor, as: SIMD2<UInt64>.self, from: source, into: target)
  }
}

private func gather<Element: BitwiseCopyable>(
  _ tensor: TorchTensor, as type: Element.Type, from source: UnsafeRawBufferPointer,
  into target: UnsafeMutableRawBufferPointer
) {
  let sizes = tensor.shape.dimensions
  guard tensor.shape.elementCount > 0 else { return }
  let width = MemoryLayout<Element>.size
  let (innerSize, innerStride) = (sizes.last ?? 1, tensor.strides.last ?? 1)
  // An odometer over all dimensions but the last; `row` is the element offset of its current position.
  var indices = [Int](repeating: 0, count: max(0, sizes.count - 1))
  var row = 0
  var written = 0
  while true {
    for column in 0..<innerSize {
      let element = source.loadUnaligned(fromByteOffset: (row + column * innerStride) * width, as: type)
      target.storeBytes(of: element, toByteOffset: written, as: type)
      written += width
    }
    var dimension = indices.count - 1
    while dimension >= 0 {
      indices[dimension] += 1
      row += tensor.strides[dimension]
      if indices[dimension] < sizes[dimension] { break }
      row -= tensor.strides[dimension] * sizes[dimension]
      indices[dimension] = 0
      dimension -= 1
    }
    if dimension < 0 { return }
  }
}
