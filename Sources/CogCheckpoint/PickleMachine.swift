import CogBase

/// A stack machine for the pickles of `torch.save`: it knows the instructions and names that tensors need,
/// and calls nothing.
///
/// Source: Python's `pickletools.py`, protocols 2 to 5. The number of instructions, values on the stack and
/// memo entries is bounded, and so are time and memory, whatever the bytes say.
struct PickleMachine {
  /// The containers, storages and tensors that were made.
  private(set) var heap = PickleHeap()
  private var reader: ByteReader
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]

  /// A published shard takes some 30 instructions for each of its tensors: this is enough for twice
  /// ``PickleHeap/mostTensors``.
  static let mostInstructions = 4_000_000
  static let deepestStack = 1 << 20
  /// Torch stores ten values for each tensor; a million of them take a second.
  static let mostStored = 1 << 20

  init(_ bytes: UnsafeRawBufferPointer) { reader = ByteReader(bytes, what: "pickle") }

  /// Runs the whole pickle and returns the value that it leaves.
  ///
  /// - Throws: ``CogError`` with the byte offset at the first instruction that is not understood or not
  ///   allowed.
  mutating func run() throws -> PickleValue {
    for _ in 0..<Self.mostInstructions {
      let start = reader.offset
      do {
        let code = try reader.read(UInt8.self)
        if code == UInt8(ascii: ".") { return try finish() }
        try execute(code)
      } catch var error as CogError {
        if error.subject == nil { error.subject = "pickle at byte \(start)" }
        throw error
      }
    }
    throw CogError("the pickle is too long", expected: "at most \(Self.mostInstructions) instructions")
  }

  private mutating func finish() throws -> PickleValue {
    let value = try pop()
    guard stack.isEmpty, marks.isEmpty, reader.remaining == 0 else {
      throw CogError(
        "the pickle stops before its end",
        found: "\(stack.count) values and \(reader.remaining) bytes more")
    }
    return value
  }

  // MARK: Instructions

  private mutating func execute(_ code: UInt8) throws {
    switch code {
    case 0x80: try checkProtocol()
    case 0x95: try checkFrame()
    case UInt8(ascii: "("): try mark()
    case UInt8(ascii: "0"): try discard()
    case UInt8(ascii: "1"): _ = try popToMark()
    case UInt8(ascii: "2"): try push(top())

    case UInt8(ascii: "N"): try push(.none)
    case 0x88: try push(.bool(true))
    case 0x89: try push(.bool(false))
    case UInt8(ascii: "J"): try push(.int(Int(reader.read(Int32.self))))
    case UInt8(ascii: "K"): try push(.int(Int(reader.read(UInt8.self))))
    case UInt8(ascii: "M"): try push(.int(Int(reader.read(UInt16.self))))
    case 0x8A: try pushLong(byteCount: UInt64(reader.read(UInt8.self)))
    case 0x8B: try pushLong(byteCount: UInt64(reader.read(UInt32.self)))
    case UInt8(ascii: "G"): try push(.float(Double(bitPattern: reader.read(UInt64.self).byteSwapped)))

    case 0x8C: try pushText(byteCount: UInt64(reader.read(UInt8.self)))
    case UInt8(ascii: "X"): try pushText(byteCount: UInt64(reader.read(UInt32.self)))
    case 0x8D: try pushText(byteCount: reader.read(UInt64.self))
    case UInt8(ascii: "C"): try pushBytes(byteCount: UInt64(reader.read(UInt8.self)))
    case UInt8(ascii: "B"): try pushBytes(byteCount: UInt64(reader.read(UInt32.self)))
    case 0x8E: try pushBytes(byteCount: reader.read(UInt64.self))

    case UInt8(ascii: ")"): try push(heap.makeTuple([]))
    case 0x85: try pushTuple(count: 1)
    case 0x86: try pushTuple(count: 2)
    case 0x87: try pushTuple(count: 3)
    case UInt8(ascii: "t"): try push(heap.makeTuple(popToMark()))
    case UInt8(ascii: "]"): try push(heap.makeList())
    case UInt8(ascii: "a"): try append([pop()])
    case UInt8(ascii: "e"): try append(popToMark())
    case UInt8(ascii: "}"): try push(heap.makeDictionary())
    case UInt8(ascii: "s"): try setItem()
    case UInt8(ascii: "u"): try setItems(popToMark())

    case UInt8(ascii: "q"): try store(Int(reader.read(UInt8.self)))
    case UInt8(ascii: "r"): try store(Int(reader.read(UInt32.self)))
    case 0x94: try store(memo.count)
    case UInt8(ascii: "h"): try recall(Int(reader.read(UInt8.self)))
    case UInt8(ascii: "j"): try recall(Int(reader.read(UInt32.self)))

    case UInt8(ascii: "c"): try push(.global(PickleGlobal(named: "\(readLine()).\(readLine())")))
    case 0x93: try pushNamedGlobal()
    case UInt8(ascii: "R"), 0x81: try build()
    case UInt8(ascii: "b"): try setState()
    case UInt8(ascii: "Q"): try pushPersistent()
    default:
      throw CogError(
        "the pickle has an instruction that tensors do not need", found: "0x\(UInt32(code).hexadecimal)",
        advice: "Save the state_dict alone with torch.save, or as safetensors.")
    }
  }

  private mutating func checkProtocol() throws {
    let version = try reader.read(UInt8.self)
    guard (2...5).contains(version) else {
      throw CogError("the pickle protocol is not known", expected: "2 to 5", found: "\(version)")
    }
  }

  private mutating func checkFrame() throws {
    let length = try reader.read(UInt64.self)
    guard length <= UInt64(reader.remaining) else {
      throw CogError(
        "a frame of the pickle is longer than the rest", expected: "\(reader.remaining)", found: "\(length)")
    }
  }

  // MARK: Stack

  private mutating func push(_ value: PickleValue) throws {
    guard stack.count < Self.deepestStack else {
      throw CogError("the pickle's stack is too deep", expected: "at most \(Self.deepestStack) values")
    }
    stack.append(value)
  }

  private mutating func mark() throws {
    guard marks.count < Self.deepestStack else {
      throw CogError("the pickle's stack is too deep", expected: "at most \(Self.deepestStack) marks")
    }
    marks.append(stack.count)
  }

  private func top() throws -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.last else {
      throw CogError("the pickle uses a value that is not there")
    }
    return value
  }

  private mutating func pop() throws -> PickleValue {
    let value = try top()
    stack.removeLast()
    return value
  }

  /// Drops the last value, or the last mark when nothing stands above it, as Python does.
  private mutating func discard() throws {
    if let mark = marks.last, mark == stack.count {
      marks.removeLast()
    } else {
      _ = try pop()
    }
  }

  private mutating func popToMark() throws -> [PickleValue] {
    guard let mark = marks.popLast(), mark <= stack.count else {
      throw CogError("the pickle uses a mark that is not there")
    }
    let values = Array(stack[mark...])
    stack.removeSubrange(mark...)
    return values
  }

  private mutating func store(_ key: Int) throws {
    let value = try top()
    guard memo.updateValue(value, forKey: key) == nil else { return }
    try heap.charge(bytes: 64)
    guard memo.count <= Self.mostStored else {
      throw CogError("the pickle stores too many values", expected: "at most \(Self.mostStored)")
    }
  }

  private mutating func recall(_ key: Int) throws {
    guard let value = memo[key] else {
      throw CogError("the pickle recalls what it did not store", found: "memo \(key)")
    }
    try push(value)
  }

  // MARK: Values

  /// An integer of up to 8 bytes in two's complement; longer ones cannot be sizes and become opaque.
  private mutating func pushLong(byteCount: UInt64) throws {
    let bytes = try take(byteCount)
    guard bytes.count <= 8 else { return try push(.opaque) }
    var value: UInt64 = bytes.last.map { $0 >= 0x80 } == true ? .max : 0
    for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
    try push(.int(Int(bitPattern: UInt(value))))
  }

  private mutating func pushText(byteCount: UInt64) throws {
    guard let text = String(validating: try take(byteCount), as: UTF8.self) else {
      throw CogError("the pickle has text that is not UTF-8")
    }
    try heap.charge(bytes: text.utf8.count)
    try push(.text(text))
  }

  private mutating func pushBytes(byteCount: UInt64) throws {
    _ = try take(byteCount)
    try push(.opaque)
  }

  private mutating func take(_ byteCount: UInt64) throws -> UnsafeRawBufferPointer {
    try reader.take(Checked.int(byteCount, "length in the pickle"))
  }

  private mutating func pushTuple(count: Int) throws {
    var elements: [PickleValue] = []
    for _ in 0..<count { elements.append(try pop()) }
    elements.reverse()
    try push(heap.makeTuple(elements))
  }

  private mutating func append(_ values: [PickleValue]) throws {
    guard case .list(let place) = try top() else {
      throw CogError("the pickle appends to something that is no list", found: try top().kind)
    }
    try heap.charge(values.count, bytes: 2 * MemoryLayout<PickleValue>.stride)
    heap.lists[place] += values
  }

  private mutating func setItem() throws {
    let value = try pop()
    try setItems([pop(), value])
  }

  private mutating func setItems(_ values: [PickleValue]) throws {
    guard case .dictionary(let place) = try top() else {
      throw CogError("the pickle sets an item of something that is no dict", found: try top().kind)
    }
    guard values.count.isMultiple(of: 2) else { throw CogError("the pickle sets a key without a value") }
    try heap.charge(values.count / 2, bytes: 192)
    for index in stride(from: 0, to: values.count, by: 2) {
      try heap.dictionaries[place].add(values[index], values[index + 1])
    }
  }

  // MARK: Names and what they build

  private mutating func readLine() throws -> String {
    var bytes: [UInt8] = []
    while true {
      let byte = try reader.read(UInt8.self)
      if byte == UInt8(ascii: "\n") { break }
      guard bytes.count < 256 else { throw CogError("the pickle has a name that is too long") }
      bytes.append(byte)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw CogError("the pickle has a name that is not UTF-8")
    }
    return text
  }

  private mutating func pushNamedGlobal() throws {
    guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
      throw CogError("the pickle has a name that is no string")
    }
    try push(.global(PickleGlobal(named: "\(module).\(name)")))
  }

  /// REDUCE and NEWOBJ: the name below and its arguments above become what the name builds.
  private mutating func build() throws {
    let arguments = try pop()
    let callee = try pop()
    guard case .global(let global) = callee, let values = heap.tuple(arguments) else {
      throw CogError("the pickle calls something that is no name", found: callee.kind)
    }
    switch global {
    case .orderedDictionary:
      guard values.isEmpty else {
        throw CogError("an OrderedDict is built with arguments", found: "\(values.count)")
      }
      try push(heap.makeDictionary())
    case .size: try push(makeSize(values))
    case .rebuildFromType: try push(makeTensorOfClass(values))
    default: try push(makeTensor(global, values))
    }
  }

  /// What the functions that make tensors and parameters give.
  private mutating func makeTensor(_ global: PickleGlobal, _ values: [PickleValue]) throws -> PickleValue {
    switch global {
    case .rebuildTensor: return try heap.rebuildTensor(values, typed: false)
    case .rebuildTensorOfType: return try heap.rebuildTensor(values, typed: true)
    case .rebuildParameter, .rebuildParameterWithState:
      var hasState = false
      if case .rebuildParameterWithState = global { hasState = true }
      guard values.count == (hasState ? 4 : 3), case .tensor = values[0] else {
        throw CogError("a parameter is built from something else than a tensor")
      }
      if hasState { try requireState(values[3]) }
      return values[0]
    default: throw CogError("the pickle calls \(global.name), which is no function for tensors")
    }
  }

  /// `_rebuild_from_type_v2(function, class, arguments, state)`: a tensor with attributes of Python, which
  /// say nothing about its values.
  private mutating func makeTensorOfClass(_ values: [PickleValue]) throws -> PickleValue {
    guard values.count == 4, case .global(let function) = values[0], case .global(.tensorClass) = values[1],
      let arguments = heap.tuple(values[2])
    else { throw CogError("a tensor with attributes is built from something else than a tensor") }
    try requireState(values[3])
    return try makeTensor(function, arguments)
  }

  /// Attributes are a dict, or a tuple of a dict and one for slots.
  private func requireState(_ state: PickleValue) throws {
    switch state {
    case .dictionary, .none, .tuple: return
    default: throw CogError("the attributes of a tensor are no dict", found: state.kind)
    }
  }

  private func makeSize(_ arguments: [PickleValue]) throws -> PickleValue {
    guard arguments.count == 1, heap.integers(arguments[0]) != nil else {
      throw CogError("a torch.Size is built from something else than whole numbers")
    }
    return arguments[0]
  }

  /// BUILD: attributes of a dict (`_metadata` of a `state_dict`); they say nothing about tensors.
  private mutating func setState() throws {
    let state = try pop()
    guard case .dictionary = try top() else {
      throw CogError("the pickle sets attributes of something that is no dict", found: try top().kind)
    }
    switch state {
    case .dictionary, .none: return
    default: throw CogError("the pickle sets attributes from something that is no dict", found: state.kind)
    }
  }

  private mutating func pushPersistent() throws {
    let identifier = try pop()
    guard let values = heap.tuple(identifier) else {
      throw CogError("a storage is named by something that is no tuple", found: identifier.kind)
    }
    try heap.charge(bytes: 96)
    heap.storages.append(try TorchStorage(persistentID: values))
    try push(.storage(heap.storages.count - 1))
  }
}
