import CogBase
import CogModel

/// A storage that a pickle names: one entry `data/KEY` of the archive.
struct TorchStorage {
  /// The name of the entry below `data/`.
  let key: String
  /// The type of its elements; nil for an untyped storage, whose length counts bytes.
  let elementType: ElementType?
  /// The number of elements.
  let count: Int

  /// Reads the tuple `("storage", class, key, location, count)`.
  ///
  /// Source: `persistent_id` in `torch/serialization.py`. The location ("cpu", "cuda:0") does not matter.
  init(persistentID values: [PickleValue]) throws {
    guard values.count == 5, case .text("storage") = values[0] else {
      throw CogError("a storage is named by a tuple of another form", found: "\(values.count) values")
    }
    switch values[1] {
    case .global(.storage(let type)): elementType = type
    case .global(.untypedStorage): elementType = nil
    default: throw CogError("a storage is of a class that is not known", found: values[1].kind)
    }
    guard case .text(let key) = values[2] else {
      throw CogError("a storage's key is no string", found: values[2].kind)
    }
    guard case .int(let count) = values[4], count >= 0 else {
      throw CogError("a storage's length is wrong", expected: "a number of elements", found: values[4].kind)
    }
    self.key = key
    self.count = count
    _ = try byteCount()
  }

  /// - Throws: ``CogError`` when it does not fit 63 bits.
  func byteCount() throws -> Int {
    try Checked.multiply(count, elementType?.byteWidth ?? 1, "length of storage \(key)")
  }
}

/// A tensor that a pickle builds: a strided view of a storage, within its bounds.
struct TorchTensor: Sendable {
  /// The place of its storage in ``PickleHeap/storages``.
  let storage: Int
  let elementType: ElementType
  let shape: Shape
  /// Elements from one index to the next in each dimension; none is negative. 0 where there is one index or
  /// none: the stored number says nothing there and may be anything.
  let strides: [Int]
  /// Bytes from the start of the storage to the first element.
  let byteOffset: Int
  /// Bytes that the elements take when stored contiguously.
  let byteCount: Int
  /// Bytes from the first element to the end of the last one, as they lie in the storage.
  let byteExtent: Int

  /// Whether the elements lie in row-major order without gaps.
  var isContiguous: Bool {
    var expected = 1
    for (size, stride) in zip(shape.dimensions, strides).reversed() where size != 1 {
      if stride != expected { return shape.elementCount == 0 }
      expected *= size
    }
    return true
  }
}

extension PickleHeap {
  /// Builds a tensor from the arguments of `_rebuild_tensor_v2` or, `typed`, of `_rebuild_tensor_v3`.
  ///
  /// Arguments: storage, offset, size, stride, requires_grad, backward_hooks; v3 then has the dtype; both may
  /// end with metadata. Source: `torch/_utils.py`.
  mutating func rebuildTensor(_ arguments: [PickleValue], typed: Bool) throws -> PickleValue {
    guard tensors.count < Self.mostTensors else {
      throw CogError("the pickle builds too many tensors", expected: "at most \(Self.mostTensors)")
    }
    let required = typed ? 7 : 6
    guard (required...required + 1).contains(arguments.count) else {
      throw CogError("a tensor is built from \(arguments.count) values", expected: "\(required)")
    }
    if arguments.count > required { try refuseLazyBits(arguments[required]) }
    guard case .storage(let place) = arguments[0] else {
      throw CogError("a tensor is built from something that is no storage", found: arguments[0].kind)
    }
    var elementType = storages[place].elementType
    if typed {
      guard case .global(.elementType(let type)) = arguments[6] else {
        throw CogError("a tensor's dtype is not known", found: arguments[6].kind)
      }
      elementType = type
    }
    guard case .int(let offset) = arguments[1], let sizes = integers(arguments[2]),
      let strides = integers(arguments[3])
    else {
      throw CogError(
        "a tensor's offset, size or stride is wrong",
        expected: "whole numbers, at most \(Self.mostDimensions) of them")
    }
    try charge(bytes: 192 + 32 * sizes.count)
    tensors.append(
      try Self.bounded(
        place, storages[place], elementType: elementType ?? .uint8, offset: offset, sizes: sizes,
        strides: strides))
    return .tensor(tensors.count - 1)
  }

  /// The most bytes of a tensor that is larger than its storage (an expanded view repeats elements).
  private static let mostExpandedBytes = 256 << 20

  /// Checks that every element lies inside the storage.
  private static func bounded(
    _ place: Int, _ storage: TorchStorage, elementType: ElementType, offset: Int, sizes: [Int], strides: [Int]
  ) throws -> TorchTensor {
    let what = "tensor in storage \(storage.key)"
    let shape = try Shape(checking: sizes)
    guard sizes.count == strides.count, offset >= 0, strides.allSatisfy({ $0 >= 0 }) else {
      throw CogError(
        "the \(what) has a wrong layout",
        expected: "an offset of 0 or more and a stride for each of \(shape)",
        found: "offset \(offset), strides \(strides.prefix(8))")
    }
    guard let width = elementType.byteWidth else {
      throw CogError("the \(what) has elements smaller than a byte", found: elementType.rawValue)
    }
    var extent = 0
    if shape.elementCount > 0 {
      for (size, stride) in zip(sizes, strides) {
        extent = try Checked.add(extent, Checked.multiply(size - 1, stride, what), what)
      }
      extent = try Checked.add(extent, 1, what)
    }
    let byteOffset = try Checked.multiply(offset, width, what)
    let byteExtent = try Checked.multiply(extent, width, what)
    let end = try Checked.add(byteOffset, byteExtent, what)
    let available = try storage.byteCount()
    guard end <= available else {
      throw CogError(
        "the \(what) lies outside its storage", expected: "at most \(available) bytes", found: "\(end)")
    }
    let byteCount = try shape.byteCount(of: elementType)
    guard byteCount <= max(available, mostExpandedBytes) else {
      throw CogError(
        "the \(what) repeats its elements too often", expected: "at most \(mostExpandedBytes) bytes",
        found: "\(byteCount) bytes for shape \(shape)")
    }
    return TorchTensor(
      storage: place, elementType: elementType, shape: shape,
      strides: zip(sizes, strides).map { $0 > 1 ? $1 : 0 }, byteOffset: byteOffset,
      byteCount: byteCount, byteExtent: byteExtent)
  }

  /// Refuses tensors whose stored bytes still wait for a conjugation or a change of sign.
  private func refuseLazyBits(_ metadata: PickleValue) throws {
    guard case .dictionary(let place) = metadata else { return }
    for bit in ["conj", "neg"] {
      if case .bool(true)? = dictionaries[place][bit] {
        throw CogError(
          "a tensor is stored before its \(bit) bit was applied",
          advice: "Call resolve_\(bit)() and save it again.")
      }
    }
  }
}
