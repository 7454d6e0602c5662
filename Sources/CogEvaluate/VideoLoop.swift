import CogBase
import CogCompute

/// The order in which a model is asked about many videos: all items of a video one after another, so that
/// what was made of the video can be kept. What cannot be asked is told, and the others are asked.
enum VideoLoop {
  /// Asks about every item.
  ///
  /// A `CogError` fails all items of the video when `open` throws it, and that item when `ask` does.
  ///
  /// - Parameters:
  ///   - video: the video, or the part of one, that an item is about; those of one follow each other.
  ///   - open: makes of an item's video what this and those that follow are asked about.
  ///   - finish: receives what was made of each item, or why nothing was.
  /// - Throws: what else `open` and `ask` throw, and all that `finish` and the context's cancellation throw.
  static func run<Item, Video, Reply>(
    _ items: [Item], context: RunContext, video: (Item) -> String, open: (Item) throws -> Video,
    ask: (Item, Video) throws -> Reply, finish: (Item, Result<Reply, CogError>) throws -> Void
  ) throws {
    let progress = context.progress.begin("Asking", total: items.count)
    defer { progress.finish() }
    var current: (name: String, video: Result<Video, CogError>)?
    for item in items {
      try context.cancellation.check()
      let name = video(item)
      if current?.name != name {
        // The video before goes first: it is not held while the next one is opened.
        current = nil
        current = (name, try keeping { try open(item) })
      }
      guard let current else { continue }
      let reply: Result<Reply, CogError>
      switch current.video {
      case .success(let video): reply = try keeping { try ask(item, video) }
      case .failure(let error): reply = .failure(error)
      }
      try finish(item, reply)
      progress.advance(by: 1, name)
    }
  }

  /// What `body` gives, or its `CogError`. - Throws: what else it throws.
  private static func keeping<Value>(_ body: () throws -> Value) throws -> Result<Value, CogError> {
    do { return .success(try body()) } catch let error as CogError { return .failure(error) }
  }
}
