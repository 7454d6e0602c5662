package import CogBase

/// How the tensors of a source compare with those that the model must have.
package struct Completeness: Equatable, Sendable, Codable {
  /// A tensor of another shape than the configuration asks for.
  package struct Misshapen: Equatable, Sendable, Codable {
    /// The tensor's name.
    package let name: String
    /// The shape that the configuration asks for.
    package let expected: Shape
    /// The shape in the file.
    package let found: Shape
  }

  /// A tensor whose elements are of a type that weights are not read from.
  package struct Unreadable: Equatable, Sendable, Codable {
    /// The tensor's name.
    package let name: String
    /// The type in the file.
    package let elementType: ElementType
  }

  /// The number of tensors that the model must have (1,029 at the published sizes).
  package let expectedCount: Int
  /// The number of tensors that are there.
  package let foundCount: Int
  /// Tensors of the model that are not there, in the order of the table. The rotary frequencies are among the
  /// required ones: recomputed, they would differ from the stored ones.
  package let missing: [String]
  /// Tensors that the model does not have, in the order of the source.
  package let extra: [String]
  /// Names that stand more than once.
  package let duplicate: [String]
  /// Tensors of another shape.
  package let misshapen: [Misshapen]
  /// Tensors of a type that is not read as weights (F64, F32, F16 and BF16 are).
  package let unreadable: [Unreadable]
  /// Another model that the tensors' names show this to be, or nil.
  package let otherModel: String?

  /// Whether every tensor of the model is there once, readable and of the right shape, and no other is.
  package var isComplete: Bool { extra.isEmpty && isUsable }

  /// Whether every tensor of the model is there once, readable and of the right shape, whatever others are.
  package var isUsable: Bool {
    missing.isEmpty && duplicate.isEmpty && misshapen.isEmpty && unreadable.isEmpty && otherModel == nil
  }

  /// Compares tensors with the table, in time linear in their number.
  package init(entries: [TensorEntry], table: TensorTable) {
    var names: Set<String> = []
    var (extra, duplicate): ([String], [String]) = ([], [])
    var (misshapen, unreadable): ([Misshapen], [Unreadable]) = ([], [])
    for entry in entries {
      guard names.insert(entry.name).inserted else {
        duplicate.append(entry.name)
        continue
      }
      guard let specification = table.specification(named: entry.name) else {
        extra.append(entry.name)
        continue
      }
      if entry.shape != specification.shape {
        misshapen.append(Misshapen(name: entry.name, expected: specification.shape, found: entry.shape))
      }
      if let type = entry.encoding.plainType, !type.isReadableFloat {
        unreadable.append(Unreadable(name: entry.name, elementType: type))
      }
    }
    expectedCount = table.specifications.count
    foundCount = entries.count
    missing = table.specifications.map(\.name).filter { !names.contains($0) }
    otherModel = Self.otherModel(names: names, extra: extra, table: table)
    (self.extra, self.duplicate, self.misshapen, self.unreadable) = (extra, duplicate, misshapen, unreadable)
  }

  /// The image models have expert weights for vision tokens beside the language model's. CogVLM 1 has no
  /// convolution between the vision tower and the adapter; CogVLM2 has.
  private static func otherModel(names: Set<String>, extra: [String], table: TensorTable) -> String? {
    let hasExperts = extra.contains { name in
      name.split(separator: ".").contains { $0.hasPrefix("vision_expert") || $0 == "vision_mlp" }
    }
    guard hasExperts else { return nil }
    func has(_ role: TensorRole) -> Bool {
      table.specification(role).map { names.contains($0.name) } ?? false
    }
    return has(.adapterProjection) && !has(.convolution)
      ? "CogVLM 1 (image model)" : "CogVLM2-19B (image model)"
  }

  /// What is wrong, one line for each kind of problem; empty when the source is complete.
  package var problems: [String] {
    var lines: [String] = []
    if let otherModel { lines.append("this is \(otherModel), which this toolkit does not run") }
    func report(_ what: String, _ list: [String]) {
      guard !list.isEmpty else { return }
      let shown =
        list.prefix(3).joined(separator: ", ") + (list.count > 3 ? " and \(list.count - 3) more" : "")
      lines.append("\(list.count) \(what): \(shown)")
    }
    report("missing", missing)
    report("not of this model", extra)
    report("there twice", duplicate)
    report("of a wrong shape", misshapen.map { "\($0.name) (expected \($0.expected), found \($0.found))" })
    report(
      "of a type that is not read as weights", unreadable.map { "\($0.name) (\($0.elementType.rawValue))" })
    if let prefixHint { lines.append(prefixHint) }
    return lines
  }

  /// What to do where most of the missing names are there, but for something in front of all of them.
  private var prefixHint: String? {
    func share(of names: [String], in others: Set<String>, under prefix: Substring) -> Bool {
      2 * names.count { others.contains(prefix + $0) } >= names.count
    }
    guard let name = missing.first else { return nil }
    if let longer = extra.first(where: { $0.hasSuffix("." + name) }) {
      let prefix = longer.dropLast(name.count)
      guard share(of: missing, in: Set(extra), under: prefix) else { return nil }
      return "the names begin with \"\(prefix)\", which a wrapper for training has put in front: "
        + "save the state_dict of the model inside"
    }
    guard let shorter = extra.first(where: { name.hasSuffix("." + $0) }) else { return nil }
    let prefix = name.dropLast(shorter.count)
    guard share(of: extra, in: Set(missing), under: prefix) else { return nil }
    return "the names lack \"\(prefix)\" in front: save the state_dict of the whole model"
  }

  /// Does nothing when the source is complete.
  ///
  /// - Parameters:
  ///   - path: the source, for the error.
  ///   - allowingExtra: whether there may be tensors that the model does not have.
  /// - Throws: ``CogError`` that names the other model, or the first tensor at fault and how many there are.
  package func requireComplete(path: String, allowingExtra: Bool = false) throws {
    guard !(allowingExtra ? isUsable : isComplete) else { return }
    if let otherModel {
      throw CogError(
        "this is another model", code: .wrongModel, file: path, expected: "CogVLM2-Video-Llama3",
        found: otherModel,
        advice: "Only the video model is run: download cogvlm2-video-llama3-chat.")
    }
    throw CogError(
      "the checkpoint does not have the tensors of the model", code: .incomplete, file: path,
      expected: "\(expectedCount) tensors as config.json asks for", found: problems.joined(separator: "; "),
      advice: isUsable
        ? "Leave out what the model does not have with --allow-extra."
        : "Check that config.json belongs to these weights and that the download is complete.")
  }
}
