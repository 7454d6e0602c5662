import CogBase
import CogModel
public import CogNative

extension Inspection {
  /// Looks into an open native file.
  ///
  /// - Throws: ``CogError`` when the file has gone.
  public init(native file: NativeFile) throws {
    let tensors = file.tensors.map { tensor in
      Tensor(
        name: tensor.name, type: tensor.encoding.label, shape: tensor.shape, byteCount: tensor.byteCount,
        file: file.path, offset: tensor.offset,
        part: file.table.specification(named: tensor.name)?.part.rawValue ?? "other")
    }
    let provenance = file.metadata.provenance
    var metadata = ["tool": provenance.tool, "method": file.metadata.recipe.method]
    for source in provenance.sources {
      metadata["source \(source.name)"] = "\(source.bytes) bytes, SHA-256 \(source.sha256)"
    }
    let records = file.tensors.map { tensor in
      TensorRecord(
        name: tensor.name, elementType: tensor.sourceType, shape: tensor.shape, file: file.path,
        fileOffset: tensor.offset, byteCount: tensor.byteCount)
    }
    self.init(
      path: file.path, files: [File(path: file.path, kind: "native", byteCount: file.fileSize)],
      tensors: tensors,
      metadata: metadata, completeness: Completeness(records: records, table: file.table))
  }
}
