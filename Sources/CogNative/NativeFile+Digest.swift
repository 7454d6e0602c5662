import CogBase
import Crypto

extension NativeFile {
  /// What identifies the tensors, whatever the file's name and its place: the SHA-256 in hexadecimal of a
  /// line for each tensor in the order of their names, with name, encoding, shape and the checksum of its
  /// bytes, as the file's directory has them (`Formats/calibration.md`, "Digest of the model"). No tensor is
  /// read.
  package var digest: String {
    var hash = SHA256()
    hash.update(data: Array("cogvlm model 1\n".utf8))
    for entry in entries.sorted(by: { $0.name < $1.name }) {
      let checksum = String(entry.checksum ?? 0, radix: 16)
      hash.update(data: Array("\(entry.name) \(entry.encoding.label) \(entry.shape) \(checksum)\n".utf8))
    }
    return hash.finalize().hexadecimal
  }

  /// How many tensors have each encoding, by its label.
  package var encodingCounts: [String: Int] {
    Dictionary(entries.map { ($0.encoding.label, 1) }, uniquingKeysWith: +)
  }
}
