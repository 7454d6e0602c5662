package import CogBase
import Crypto

extension CalibrationSet {
  /// What identifies a set (`Formats/calibration.md`, "Digest of the set"): the SHA-256 in hexadecimal of the
  /// names, contents and questions of its videos in their order. Where the files lie does not matter. A video
  /// that cannot be read counts as missing.
  ///
  /// - Parameter progress: a task that counts each video as one unit.
  /// - Throws: what `cancellation` throws.
  package func digest(
    cancellation: any Cancellation = NeverCancelled(), progress: (any ProgressTask)? = nil
  ) throws -> String {
    var hash = SHA256()
    func add(_ line: String) { hash.update(data: Array((line + "\n").utf8)) }
    add("cogvlm calibration set 1")
    for clip in clips {
      try cancellation.check()
      progress?.advance(by: 1, clip.name)
      let content: String
      do { content = try Self.content(of: clip.path, cancellation) } catch is CogError { content = "missing" }
      add("video \(clip.name.shown.jsonLiteral) \(content)")
      for question in clip.questions { add("ask \(question.jsonLiteral)") }
    }
    return hash.finalize().hexadecimal
  }

  /// The length and the SHA-256 of a file.
  private static func content(of path: String, _ cancellation: any Cancellation) throws -> String {
    let file = try MappedFile(path: path)
    var hash = SHA256()
    try file.readOnce { bytes in
      try cancellation.check()
      hash.update(bufferPointer: bytes)
    } passed: { _ in
    }
    return "\(file.bytes.count) \(hash.finalize().hexadecimal)"
  }
}
