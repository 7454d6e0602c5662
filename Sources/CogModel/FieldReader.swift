import CogBase

/// Reads typed fields of one JSON object; a missing field or one of another type is an error that names it.
struct FieldReader {
  private let object: JSON
  private let path: String

  init(_ object: JSON, path: String) {
    self.object = object
    self.path = path
  }

  /// The largest size that is believed: it keeps every product of three sizes within 63 bits.
  static let sizeLimit = 1 << 20

  func size(_ key: String, limit: Int = sizeLimit) throws -> Int {
    let value = try field(key)
    guard let size = value.integer, (1...limit).contains(size) else {
      throw CogError(
        "a field is wrong", subject: path + key, expected: "a whole number from 1 to \(limit)",
        found: value.kind)
    }
    return size
  }

  func epsilon(_ key: String) throws -> Float {
    let value = try field(key)
    guard let number = value.double, number > 0, number < 1 else {
      throw CogError(
        "a field is wrong", subject: path + key, expected: "a number between 0 and 1", found: value.kind)
    }
    return Float(number)
  }

  /// The token ids of a field that is one id or a list of them, as published files have both; each once, in
  /// the order of the file.
  func tokenIDs(_ key: String, default fallback: [Int]) throws -> [Int] {
    guard let value = object[key], value != .null else { return fallback }
    let elements = value.elements ?? [value]
    let ids = elements.compactMap { $0.integer.flatMap { $0 >= 0 ? $0 : nil } }
    guard !ids.isEmpty, ids.count == elements.count else {
      throw CogError(
        "a field is wrong", subject: path + key, expected: "a token id, or a list of token ids",
        found: elements.first { ($0.integer ?? -1) < 0 }?.kind ?? "an empty list")
    }
    var known: Set<Int> = []
    return ids.filter { known.insert($0).inserted }
  }

  /// A token id; where the field is a list, as some published files have it, its first id.
  func tokenID(_ key: String, default fallback: Int) throws -> Int {
    guard let value = object[key], value != .null else { return fallback }
    let single = value.elements?.first ?? value
    guard let id = single.integer, id >= 0 else {
      throw CogError("a field is wrong", subject: path + key, expected: "a token id", found: value.kind)
    }
    return id
  }

  func promptTemplate(_ key: String, default fallback: PromptTemplate) throws -> PromptTemplate {
    guard let value = object[key], value != .null else { return fallback }
    guard let text = value.text else {
      throw CogError("a field is wrong", subject: path + key, expected: "a string", found: value.kind)
    }
    return try PromptTemplate(named: text, subject: path + key)
  }

  func flag(_ key: String, default fallback: Bool) throws -> Bool {
    guard let value = object[key], value != .null else { return fallback }
    guard let flag = value.boolean else {
      throw CogError("a field is wrong", subject: path + key, expected: "true or false", found: value.kind)
    }
    return flag
  }

  func require(_ key: String, oneOf allowed: [String]) throws {
    let value = try field(key)
    guard let text = value.text, allowed.contains(text) else {
      throw CogError(
        "a field is wrong", subject: path + key, expected: allowed.joined(separator: " or "),
        found: value.text ?? value.kind)
    }
  }

  func nested(_ key: String) throws -> FieldReader {
    let value = try field(key)
    guard value.members != nil else {
      throw CogError("a field is wrong", subject: path + key, expected: "an object", found: value.kind)
    }
    return FieldReader(value, path: path + key + ".")
  }

  private func field(_ key: String) throws -> JSON {
    guard let value = object[key] else { throw CogError("a field is missing", subject: path + key) }
    return value
  }
}
