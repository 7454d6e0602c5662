/// The version of the toolkit.
package enum Version {
  /// As in the change log.
  package static let current = "0.1.0"
  /// Name and version of the program, as it is written into native files.
  package static let tool = "cogvlm \(current)"
}
