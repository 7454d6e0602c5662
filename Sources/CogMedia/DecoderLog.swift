import Synchronization

/// The first damage that a decoder has logged: many decoders (MJPEG, FFV1, GIF, Theora, Cinepak) hand a hurt
/// picture out like any other and only log an error.
///
/// It is found by the decoder's context, and threads of the decoder write to it.
final class DecoderLog: Sendable {
  /// The logs of all decoders that are open, by the addresses of their contexts. A program may use FFmpeg
  /// itself: what its decoders log arrives at the same place, and what they refer to is not ours.
  private static let byContext = Mutex<[UInt: DecoderLog]>([:])

  private let first = Mutex<String?>(nil)
  private let marksDamage: Bool

  /// - Parameter marksDamage: whether the decoder marks every frame that it had to patch up. Of its log only
  ///   what was lost within a picture counts then: it also tells of pictures after a seek whose references
  ///   were not decoded.
  init(marksDamage: Bool) { self.marksDamage = marksDamage }

  /// The log of a decoder of ours; nil when something else logs.
  static func of(_ source: UnsafeMutableRawPointer?) -> DecoderLog? {
    byContext.withLock { $0[UInt(bitPattern: source)] }
  }

  /// Takes in what the decoder of a context logs, until ``ignore(_:)``.
  func listen(to context: UnsafeMutableRawPointer) {
    Self.byContext.withLock { $0[UInt(bitPattern: context)] = self }
  }

  /// Takes in no more; before the context is freed, as its address may be another's then.
  static func ignore(_ context: UnsafeMutableRawPointer) {
    _ = byContext.withLock { $0.removeValue(forKey: UInt(bitPattern: context)) }
  }

  /// Takes in a line that the decoder has logged. Scans that a progressive JPEG lacks are warnings.
  func note(_ line: String, isError: Bool) {
    let counts =
      switch (isError, marksDamage) {
      case (false, _): line.contains("is incomplete")
      case (true, false): !Self.isHarmless(line)
      case (true, true): line.contains("error while decoding") || line.contains("damaged")
      }
    guard counts else { return }
    first.withLock { if $0 == nil { $0 = line } }
  }

  /// What was logged since the last call, or nil.
  func take() -> String? {
    first.withLock { first in
      defer { first = nil }
      return first
    }
  }

  /// Errors in what is told about a picture (camera, colors, comments), not in the picture.
  private static func isHarmless(_ line: String) -> Bool {
    ["APP fields", "EXIF", "Exif", "exif", "ICC", "iCCP", "XMP", "TIFF header", "metadata"].contains {
      line.contains($0)
    }
  }
}
