package import CogNative
import Crypto

/// What identifies the tensors of a native file, whatever its name and its place.
package enum ModelDigest {
  /// The SHA-256 in hexadecimal of a line for each tensor in the order of their names: name, encoding, shape
  /// and the checksum of its bytes, as the file's directory has them (`Formats/calibration.md`, "Digest of
  /// the model"). No tensor is read.
  package static func of(_ file: NativeFile) -> String {
    var hash = SHA256()
    hash.update(data: Array("cogvlm model 1\n".utf8))
    for entry in file.entries.sorted(by: { $0.name < $1.name }) {
      let checksum = String(entry.checksum ?? 0, radix: 16)
      let line = "\(entry.name) \(entry.encoding.label) \(entry.shape) \(checksum)\n"
      hash.update(data: Array(line.utf8))
    }
    return hash.finalize().hexadecimal
  }
}

extension CalibrationFields.Model {
  /// What a calibration file says of an open model.
  package init(_ file: NativeFile) {
    self.init(
      name: file.path.lastPathName.shown, digest: ModelDigest.of(file),
      encodings: Dictionary(file.entries.map { ($0.encoding.label, 1) }, uniquingKeysWith: +),
      sources: file.metadata.provenance.sources)
  }
}
