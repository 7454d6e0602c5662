/// What every reader must know of native files to tell them from others (`Formats/native.md`, "Header").
package enum NativeFormat {
  /// The first bytes of a native file.
  package static let magic: [UInt8] = [0x89] + Array("COGVLM".utf8) + [0x0A]
}
