import CogBase

extension JSON {
  /// Every value that is no object, by the path of keys that leads to it, joined with full stops. Lists are
  /// one value.
  func leaves(under path: String) -> [String: String] {
    guard let members else { return [path: plainText] }
    return members.reduce(into: [:]) { leaves, member in
      leaves.merge(member.value.leaves(under: "\(path).\(member.key)")) { first, _ in first }
    }
  }

  /// The value in one line: text as it is, lists and objects nearly as in JSON.
  private var plainText: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .number(let spelling): spelling
    case .string(let text): text
    case .array(let elements): "[" + elements.map(\.plainText).joined(separator: ", ") + "]"
    case .object(let members):
      "{" + members.map { "\($0.key): \($0.value.plainText)" }.joined(separator: ", ") + "}"
    }
  }
}
