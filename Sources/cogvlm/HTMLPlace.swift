import CogBase

/// Where a report goes.
enum HTMLPlace {
  /// Finds out before long work whether the file can be written, and that it is none of those that are read.
  ///
  /// - Throws: ``CogError`` when the folder is missing or cannot be written, or the path is one of `inputs`.
  static func check(_ path: String, besides inputs: [String]) throws {
    try OutputPlace.check(path, sources: inputs)
    // Removed with the object; what stands under the name stays.
    _ = try AtomicFile(path: path)
  }
}
