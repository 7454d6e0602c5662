import CogText
import Synchronization

/// The keys and values of the tokens that all prompts about one video begin with, in a session that each
/// question uses in turn. They take the room of a whole context: 268 MB at full size in fast mode, twice that
/// in the others.
final class VideoBeginning: Sendable {
  /// Whoever has taken the session out is the only one who uses it.
  private struct Kept: @unchecked Sendable {
    let session: Session
  }

  private let kept = Mutex<Kept?>(nil)

  /// Takes the session, at the end of the beginning; nil when nothing was read yet, or another question is
  /// using it.
  func take() -> Session? {
    let taken: Kept? = kept.withLock { kept in
      defer { kept = nil }
      return kept
    }
    return taken?.session
  }

  /// Gives a session back, which forgets all but the beginning; one that was there already stays.
  func keep(_ session: Session, after prompt: Prompt) {
    guard prompt.hasBeginning else { return }
    session.truncate(to: prompt.videoCount)
    let own = Kept(session: session)
    kept.withLock { $0 = $0 ?? own }
  }
}

extension Prompt {
  /// Whether there are frames, and text behind them.
  var hasBeginning: Bool { frameCount > 0 && videoCount < count }
}
