import CogBase

/// Files that look like videos to a person and are none that is read: each is refused by its name.
enum ForeignContent {
  /// Why a file that begins so is not read, or nil.
  static func refusal(of beginning: [UInt8]) -> CogError? {
    if isAnimatedWebP(beginning) {
      return CogError(
        "animated WebP is not read", code: .unsupported,
        advice: "Convert it to MP4, GIF or APNG, or unpack it into a folder of images.")
    }
    guard let kind = playlist(String(decoding: beginning, as: UTF8.self)) else { return nil }
    return CogError(
      "this is a playlist, not a video", code: .unsupported, expected: "a video file", found: kind,
      advice: "Give the video that it names; parts of a transport stream can be put together with `cat`.")
  }

  /// An extended WebP file whose animation flag is set.
  private static func isAnimatedWebP(_ bytes: [UInt8]) -> Bool {
    bytes.count > 20 && bytes.starts(with: "RIFF".utf8) && bytes[8..<16].elementsEqual("WEBPVP8X".utf8)
      && bytes[20] & 0x02 != 0
  }

  private static func playlist(_ text: String) -> String? {
    let text = text.trimmingPrefix("\u{FEFF}").drop(while: \.isWhitespace).lowercased()
    let kinds = [
      ("#extm3u", "an M3U playlist"), ("ffconcat version", "a list of FFmpeg's concat reader"),
      ("[playlist]", "a PLS playlist"), ("<asx", "an ASX playlist"), ("<smil", "a SMIL document"),
      ("<mpd", "a DASH manifest"),
    ]
    if let (_, kind) = kinds.first(where: { text.hasPrefix($0.0) }) { return kind }
    guard text.hasPrefix("<?xml") else { return nil }
    if text.contains("<mpd") { return "a DASH manifest" }
    return text.contains("<playlist") ? "an XSPF playlist" : nil
  }
}
