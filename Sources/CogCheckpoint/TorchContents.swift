import CogBase

/// The named tensors of what a pickle left: a `state_dict`, one inside a larger checkpoint, or any nest of
/// dicts, lists and tuples.
struct TorchContents {
  /// Names and the tensors' places in the heap.
  private(set) var tensors: [(name: String, place: Int)] = []
  /// Numbers and short strings beside the tensors.
  private(set) var metadata: [String: String] = [:]
  /// Entries beside the `state_dict` that are not read, such as the state of an optimizer.
  private(set) var ignoredEntries: [String] = []
  private var visited = 0
  private var nameBytes = 0

  /// The keys under which training programs keep the `state_dict`, in the order in which they are looked for.
  private static let wrappers = ["state_dict", "model_state_dict", "model", "module"]
  private static let deepestNesting = 32
  private static let mostValues = 1 << 20
  private static let longestMetadata = 4096
  /// All names together, in bytes.
  private static let longestNames = SafetensorsHeader.longestNames

  /// - Throws: ``CogError`` when there is no tensor, two have one name, or the values nest without end.
  init(root: PickleValue, heap: PickleHeap) throws {
    let container = try unwrap(root, heap)
    if case .tensor(let place) = container {
      tensors = [("tensor", place)]
    } else {
      try collect(container, name: "", depth: 0, heap)
    }
    guard !tensors.isEmpty else { throw CogError("the file holds no tensors", found: container.kind) }
  }

  /// Goes from a training checkpoint to the `state_dict` inside: a dict without tensors of its own that has
  /// one of the known keys.
  private mutating func unwrap(_ root: PickleValue, _ heap: PickleHeap) throws -> PickleValue {
    var value = root
    for _ in 0..<Self.wrappers.count {
      guard case .dictionary(let place) = value else { return value }
      let entries = heap.dictionaries[place].entries
      keepMetadata(entries)
      let ownsTensors = entries.contains { if case .tensor = $0.value { true } else { false } }
      let wrapper = Self.wrappers.first { key in
        if case .dictionary? = heap.dictionaries[place][key] { true } else { false }
      }
      guard !ownsTensors, let wrapper, let inner = heap.dictionaries[place][wrapper] else { return value }
      ignoredEntries += entries.lazy.filter { $0.key != wrapper && $0.value.isContainer }.map(\.key)
      value = inner
    }
    return value
  }

  private mutating func keepMetadata(_ entries: [(key: String, value: PickleValue)]) {
    for (key, value) in entries {
      switch value {
      case .text(let text) where text.utf8.count <= Self.longestMetadata: metadata[key] = text
      case .int(let number): metadata[key] = "\(number)"
      case .float(let number): metadata[key] = "\(number)"
      case .bool(let flag): metadata[key] = "\(flag)"
      default: continue
      }
    }
  }

  private mutating func collect(_ value: PickleValue, name: String, depth: Int, _ heap: PickleHeap) throws {
    visited += 1
    guard depth <= Self.deepestNesting, visited <= Self.mostValues else {
      throw CogError(
        "the values in the pickle nest without end", subject: name,
        expected: "at most \(Self.deepestNesting) levels and \(Self.mostValues) values")
    }
    nameBytes += name.utf8.count
    guard nameBytes <= Self.longestNames else {
      throw CogError(
        "the names in the pickle are too long", expected: "at most \(Self.longestNames) bytes of names")
    }
    let prefix = name.isEmpty ? "" : name + "."
    switch value {
    case .tensor(let place):
      guard tensors.count < PickleHeap.mostTensors else {
        throw CogError("the pickle names too many tensors", expected: "at most \(PickleHeap.mostTensors)")
      }
      tensors.append((name, place))
    case .dictionary(let place):
      for (key, value) in heap.dictionaries[place].entries {
        try collect(value, name: prefix + key, depth: depth + 1, heap)
      }
    case .list, .tuple:
      for (index, element) in (heap.elements(value) ?? []).enumerated() {
        try collect(element, name: prefix + "\(index)", depth: depth + 1, heap)
      }
    default: return
    }
  }
}

extension PickleValue {
  fileprivate var isContainer: Bool {
    switch self {
    case .dictionary, .list, .tuple, .tensor: true
    default: false
    }
  }
}
