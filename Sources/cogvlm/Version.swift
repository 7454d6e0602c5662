/// The version of the command, as it is written into native files.
enum Version {
  static let current = "0.1.0"
  static let tool = "cogvlm \(current)"
}
