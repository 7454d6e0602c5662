import ArgumentParser
import CogBase
import CogEngine

/// Where features of videos are kept from one process to the next.
struct CacheOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Keep what the model sees of videos in this folder, so that they are looked at once.",
      valueName: "folder"),
    completion: .directory)
  var cache: String?

  @Option(
    help: ArgumentHelp("The most that --cache holds, such as 500MB; 10GB by default.", valueName: "size"))
  var cacheSize: ByteSize?

  func validate() throws {
    guard cache != nil || cacheSize == nil else { throw ValidationError("--cache-size goes with --cache.") }
  }

  /// The cache; nil without one.
  ///
  /// - Throws: ``CogError`` when nothing can be written there.
  func open() throws -> FeatureCache? {
    try cache.map { try FeatureCache(path: $0, limit: (cacheSize ?? ByteSize(gigabytes: 10)).bytes) }
  }
}
