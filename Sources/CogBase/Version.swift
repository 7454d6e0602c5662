/// The version of the toolkit.
public enum Version {
  /// As in the change log.
  public static let current = "0.1.0"
  /// Name and version of the program, as it is written into native files.
  public static let tool = "cogvlm \(current)"
}
