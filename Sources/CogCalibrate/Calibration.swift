package import CogBase
package import CogCheckpoint
import CogModel
import Crypto

/// What the inputs of a model's linear layers are like over a set of videos and prompts: the content of a
/// calibration file (`Formats/calibration.md`).
package struct Calibration: Equatable, Sendable {
  /// What the file says beside the moments.
  package var fields: CalibrationFields
  /// The moments by the name of the layer's weight.
  package var table: MomentTable
  /// The SHA-256 of the file that it was read from, in hexadecimal; nil for one that was not read.
  package private(set) var digest: String?

  /// A calibration as an output.
  package static let outputKind = OutputKind("a calibration file", endings: [".cogcal"])

  /// What was looked at, in memory.
  package init(_ fields: CalibrationFields, _ table: MomentTable) {
    (self.fields, self.table) = (fields, table)
  }

  /// Reads a file and checks all of it.
  ///
  /// - Throws: `CogError` when it cannot be read, is no calibration file, is damaged, or has a field that
  ///   cannot be.
  package init(path: String) throws { try self.init(MappedFile(path: path)) }

  /// Reads a mapped file. - Throws: as ``init(path:)``.
  package init(_ file: MappedFile) throws {
    self = try withExtendedLifetime(file) {
      try naming(file: file.path) { try CalibrationReader.calibration(file.bytes, file: file.path) }
    }
    var hash = SHA256()
    withExtendedLifetime(file) { hash.update(bufferPointer: file.bytes) }
    digest = hash.finalize().hexadecimal
  }

  /// Whether a file is a calibration, whatever its name is.
  package static func recognizes(_ file: RecognizedFile) -> Bool {
    guard file.kind == .safetensors,
      let header = try? file.withBytes({ try SafetensorsHeader(file: $0, path: file.path) })
    else { return false }
    return header.metadata[CalibrationFormat.Key.format.rawValue] == CalibrationFormat.name
  }

  /// The moments of the input of a linear layer.
  ///
  /// - Parameters:
  ///   - weight: the name of the layer's weight; one that shares its input with another one has that one's.
  ///   - columns: columns of the weight.
  /// - Throws: `CogError` when there are none, or they are of another number of channels.
  package func moments(of weight: String, columns: Int) throws -> InputMoments {
    guard let moments = table[TensorTable.inputName(of: weight)] else {
      throw CogError(
        "the calibration has no moments of the layer's input", code: .incomplete, subject: weight,
        advice: "Make one with cogvlm calibrate for this model.")
    }
    guard moments.columns == columns else {
      throw CogError(
        "the calibration is of another model", code: .wrongModel, subject: weight,
        expected: "moments of \(columns) channels", found: "\(moments.columns)",
        advice: "Make one with cogvlm calibrate for this model.")
    }
    return moments
  }

  /// Writes a file that appears under its name when it is whole.
  ///
  /// - Parameter inputs: what is read in the same run.
  /// - Throws: `CogError` when it cannot be written there.
  package func write(to path: String, besides inputs: [String] = []) throws {
    let file = try AtomicFile(path: path, kind: Self.outputKind, besides: inputs)
    try file.write(encoded())
    try file.commit()
  }
}
