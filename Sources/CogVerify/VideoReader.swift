import CogCompute
import CogEngine
import CogText

/// A model that is asked many questions about one video, and reads what their prompts begin with, the frames,
/// only once.
///
/// In fast arithmetic it reads every prompt whole. A prompt's attention is computed in 16-bit integers there,
/// that of what follows with keys and values of 11 bits: a question would be read otherwise than when it is
/// asked alone.
final class VideoReader {
  private let engine: Engine
  private let features: VideoFeatures?
  /// A session that has read the frames.
  private var shared: (session: Session, count: Int)?

  /// Nothing is read yet.
  init(_ engine: Engine, _ features: VideoFeatures?) {
    self.engine = engine
    self.features = features
  }

  /// Tokens that a session is made longer for than the first question needs, so that a longer one fits too.
  private static let spareTokens = 64

  /// Reads a prompt. What was read before it is forgotten.
  ///
  /// - Parameters:
  ///   - prompt: about the video, in the same template as the others.
  ///   - capacity: tokens of prompt and answer together.
  /// - Returns: the session, and the logits of the answer's first token.
  /// - Throws: an interrupt.
  func read(_ prompt: Prompt, capacity: Int) throws -> (session: Session, logits: FloatMatrix) {
    let count = (prompt.tokenTypes.lastIndex(of: 1) ?? -1) + 1
    guard engine.compute.mode != .fast, count > 0 else {
      let session = Session(engine.language, capacity: capacity)
      return (session, try session.prefill(ModelInput(prompt, features: features)))
    }
    let session = try readFrames(of: prompt, count: count, capacity: capacity)
    session.truncate(to: count)
    let rest = ModelInput(
      ids: Array(prompt.ids[count...]), tokenTypes: Array(prompt.tokenTypes[count...]),
      positions: Array(prompt.positions[count...]), features: nil)
    return (session, try session.prefill(rest))
  }

  private func readFrames(of prompt: Prompt, count: Int, capacity: Int) throws -> Session {
    if let shared, shared.count == count, shared.session.capacity >= capacity { return shared.session }
    shared = nil
    let session = Session(engine.language, capacity: capacity + Self.spareTokens)
    _ = try session.prefill(
      ModelInput(
        ids: Array(prompt.ids[..<count]), tokenTypes: Array(prompt.tokenTypes[..<count]),
        positions: Array(prompt.positions[..<count]), features: features?.matrix))
    shared = (session, count)
    return session
  }
}
