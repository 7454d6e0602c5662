import CogBase

/// A value of the pickle machine. Containers are numbers of places in a ``PickleHeap``, so that cycles leak
/// nothing and nesting, however deep, costs no stack when it is released.
enum PickleValue {
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case text(String)
  /// Bytes or a number beyond 64 bits: allowed to be there, of no use to a tensor.
  case opaque
  case tuple(Int)
  case list(Int)
  case dictionary(Int)
  case global(PickleGlobal)
  case storage(Int)
  case tensor(Int)

  /// What kind of value this is, for errors.
  var kind: String {
    switch self {
    case .none: "None"
    case .bool: "True or False"
    case .int(let value): "the number \(value)"
    case .float: "a number"
    case .text: "a string"
    case .opaque: "bytes or a large number"
    case .tuple: "a tuple"
    case .list: "a list"
    case .dictionary: "a dict"
    case .global(let global): global.name
    case .storage: "a storage"
    case .tensor: "a tensor"
    }
  }
}

/// The containers that a pickle makes.
struct PickleHeap {
  var tuples: [[PickleValue]] = []
  var lists: [[PickleValue]] = []
  var dictionaries: [PickleDictionary] = []
  var storages: [TorchStorage] = []
  var tensors: [TorchTensor] = []
  private var byteCount = 0

  /// Memory for values, about, that so many tensors do not need.
  static let mostBytes = 160 << 20

  /// Counts memory that something takes.
  ///
  /// - Parameters:
  ///   - count: things that were made.
  ///   - bytes: memory of each, about.
  /// - Throws: ``CogError`` when it is more than any pickle of tensors needs.
  mutating func charge(_ count: Int = 1, bytes: Int) throws {
    byteCount += count * bytes
    guard byteCount <= Self.mostBytes else {
      throw CogError("the pickle makes too many values", expected: "at most \(Self.mostBytes) bytes of them")
    }
  }

  mutating func makeTuple(_ elements: [PickleValue]) throws -> PickleValue {
    try charge(bytes: 48 + elements.count * MemoryLayout<PickleValue>.stride)
    tuples.append(elements)
    return .tuple(tuples.count - 1)
  }

  mutating func makeList() throws -> PickleValue {
    try charge(bytes: 16)
    lists.append([])
    return .list(lists.count - 1)
  }

  mutating func makeDictionary() throws -> PickleValue {
    try charge(bytes: 32)
    dictionaries.append(PickleDictionary())
    return .dictionary(dictionaries.count - 1)
  }

  /// The elements of a tuple, or nil for another value.
  func tuple(_ value: PickleValue) -> [PickleValue]? {
    if case .tuple(let place) = value { tuples[place] } else { nil }
  }

  /// More tensors than any checkpoint has in one file.
  static let mostTensors = SafetensorsHeader.mostTensors

  /// More dimensions than any tensor has (PyTorch's operators stop at 64).
  static let mostDimensions = 64

  /// The elements of a tuple or list, or nil for another value.
  func elements(_ value: PickleValue) -> [PickleValue]? {
    switch value {
    case .tuple(let place): tuples[place]
    case .list(let place): lists[place]
    default: nil
    }
  }

  /// The whole numbers of a tuple or list, or nil when it is something else, holds something else, or has
  /// more than ``mostDimensions`` (a pickle can use one long tuple millions of times; it must not cost its
  /// length each time).
  func integers(_ value: PickleValue) -> [Int]? {
    guard let elements = elements(value), elements.count <= Self.mostDimensions else { return nil }
    let integers = elements.compactMap { if case .int(let integer) = $0 { integer } else { nil } }
    return integers.count == elements.count ? integers : nil
  }
}

/// A dict of a pickle, in the order in which its keys came.
struct PickleDictionary {
  private(set) var entries: [(key: String, value: PickleValue)] = []
  private var positions: [ByteKey: Int] = [:]

  /// The longest key in bytes; it bounds the time that hashing one key again and again can take.
  static let longestKey = 1024

  /// Adds an entry under the text of its key.
  ///
  /// - Throws: ``CogError`` when the key is there already, which in Python would silently replace the first
  ///   value, or is neither a string nor a plain value.
  mutating func add(_ key: PickleValue, _ value: PickleValue) throws {
    let text: String
    switch key {
    case .text(let key): text = key
    case .int(let number): text = "\(number)"
    case .bool(let flag): text = flag ? "True" : "False"
    case .float(let number): text = "\(number)"
    case .none: text = "None"
    default: throw CogError("a dict has a key that is no string", found: key.kind)
    }
    guard text.utf8.count <= Self.longestKey else {
      throw CogError("a dict has a key that is too long", expected: "at most \(Self.longestKey) bytes")
    }
    guard positions.updateValue(entries.count, forKey: ByteKey(text)) == nil else {
      throw CogError(
        "the key is there twice", subject: text, advice: "One of the two would silently win: refused.")
    }
    entries.append((text, value))
  }

  subscript(key: String) -> PickleValue? { positions[ByteKey(key)].map { entries[$0].value } }
}

/// The names that a pickle of tensors may use. There is nothing behind them to call: each stands for one
/// thing that the machine knows how to build.
enum PickleGlobal {
  case orderedDictionary
  case size
  case rebuildTensor
  case rebuildTensorOfType
  case rebuildParameter
  case rebuildParameterWithState
  case rebuildFromType
  case tensorClass
  case storage(ElementType)
  case untypedStorage
  case elementType(ElementType)

  /// Source: `torch/_utils.py`, `torch/_tensor.py`, `torch/storage.py` and `torch/serialization.py` of
  /// PyTorch 2.
  private static let others: [String: PickleGlobal] = [
    "collections.OrderedDict": .orderedDictionary,
    "torch.Size": .size,
    "torch._utils._rebuild_tensor_v2": .rebuildTensor,
    "torch._utils._rebuild_tensor_v3": .rebuildTensorOfType,
    "torch._utils._rebuild_parameter": .rebuildParameter,
    "torch._utils._rebuild_parameter_with_state": .rebuildParameterWithState,
    "torch._tensor._rebuild_from_type_v2": .rebuildFromType,
    "torch.Tensor": .tensorClass,
    "torch.nn.parameter.Parameter": .tensorClass,
    "torch.storage.UntypedStorage": .untypedStorage,
    "torch.UntypedStorage": .untypedStorage,
  ]

  private static let storages: [String: ElementType] = [
    "torch.DoubleStorage": .float64, "torch.FloatStorage": .float32, "torch.HalfStorage": .float16,
    "torch.BFloat16Storage": .bfloat16, "torch.LongStorage": .int64, "torch.IntStorage": .int32,
    "torch.ShortStorage": .int16, "torch.CharStorage": .int8, "torch.ByteStorage": .uint8,
    "torch.BoolStorage": .bool, "torch.ComplexFloatStorage": .complex64,
    "torch.ComplexDoubleStorage": .complex128,
  ]

  private static let elementTypes: [String: ElementType] = [
    "torch.float64": .float64, "torch.float32": .float32, "torch.float16": .float16,
    "torch.bfloat16": .bfloat16,
    "torch.int64": .int64, "torch.int32": .int32, "torch.int16": .int16, "torch.int8": .int8,
    "torch.uint8": .uint8,
    "torch.bool": .bool, "torch.complex64": .complex64, "torch.complex128": .complex128,
    "torch.uint16": .uint16,
    "torch.uint32": .uint32, "torch.uint64": .uint64, "torch.float8_e5m2": .float8e5m2,
    "torch.float8_e4m3fn": .float8e4m3, "torch.float8_e5m2fnuz": .float8e5m2fnuz,
    "torch.float8_e4m3fnuz": .float8e4m3fnuz, "torch.float8_e8m0fnu": .float8e8m0,
  ]

  /// Finds what a name stands for.
  ///
  /// - Throws: ``CogError`` that names it when tensors do not need it.
  init(named name: String) throws {
    if let known = Self.others[name] {
      self = known
    } else if let type = Self.storages[name] {
      self = .storage(type)
    } else if let type = Self.elementTypes[name] {
      self = .elementType(type)
    } else {
      throw CogError(
        "the file wants to call \(name)",
        expected:
          "only what tensors are made of (torch._utils._rebuild_tensor_v2, storages, "
          + "collections.OrderedDict)",
        advice: """
          Nothing of it was run. If you trust the file, save its state_dict alone with torch.save; otherwise \
          do not load it with PyTorch either.
          """)
    }
  }

  /// The name in Python, for errors.
  var name: String {
    switch self {
    case .storage(let type): Self.storages.first { $0.value == type }?.key ?? type.rawValue
    case .elementType(let type): Self.elementTypes.first { $0.value == type }?.key ?? type.rawValue
    case .orderedDictionary: "collections.OrderedDict"
    case .size: "torch.Size"
    case .rebuildTensor: "torch._utils._rebuild_tensor_v2"
    case .rebuildTensorOfType: "torch._utils._rebuild_tensor_v3"
    case .rebuildParameter: "torch._utils._rebuild_parameter"
    case .rebuildParameterWithState: "torch._utils._rebuild_parameter_with_state"
    case .rebuildFromType: "torch._tensor._rebuild_from_type_v2"
    case .tensorClass: "torch.Tensor"
    case .untypedStorage: "torch.storage.UntypedStorage"
    }
  }
}
