import CogBase
import CogModel
package import CogNative

extension Inspection {
  /// Inspects an open native file.
  ///
  /// - Throws: ``CogError`` when the file has gone.
  package init(native file: NativeFile) throws {
    self.init(
      path: file.path, files: [File(path: file.path, kind: "native", byteCount: file.fileSize)],
      tensors: file.entries.map { Tensor($0) }, metadata: try Self.metadata(of: file),
      completeness: Completeness(entries: file.entries, table: file.table))
  }

  private static func metadata(of file: NativeFile) throws -> [String: String] {
    let (provenance, recipe) = (file.metadata.provenance, file.metadata.recipe)
    var metadata = [
      "tool": provenance.tool, "method": recipe.method, "recipe.linear": recipe.linear,
      "recipe.vision": recipe.vision, "recipe.adapter": recipe.adapter, "recipe.embedding": recipe.embedding,
      "recipe.head": recipe.head, "recipe.other": recipe.other,
    ]
    for (index, exception) in recipe.overrides.enumerated() {
      metadata["recipe.overrides.\(index)"] = "\(exception.pattern)=\(exception.encoding)"
    }
    for (key, value) in recipe.calibration ?? [:] { metadata["recipe.calibration.\(key)"] = value }
    for (key, value) in recipe.budget ?? [:] { metadata["recipe.budget.\(key)"] = value }
    for source in provenance.sources {
      metadata["source \(source.name)"] = "\(source.bytes) bytes, SHA-256 \(source.sha256)"
    }
    for (index, warning) in (file.metadata.warnings ?? []).enumerated() {
      metadata["warnings.\(index)"] = warning
    }
    metadata.setEndOfText(file.metadata.endOfText)
    let config = try JSON.parse(Array(file.metadata.config.utf8), what: "configuration")
    metadata.merge(config.leaves(under: "config")) { first, _ in first }
    return metadata
  }
}
