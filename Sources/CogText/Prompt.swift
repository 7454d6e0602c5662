import CogBase
package import CogModel

/// The whole token sequence of a question about a video, as the model reads it: begin of text, the frames,
/// the text.
///
/// The three lists have one entry for each token, `[tokens]`.
package struct Prompt: Equatable, Sendable {
  /// Token ids. The vision tokens have the pad id; the frames' features take the place of their embeddings.
  package let ids: [Int]
  /// 0 for text, 1 for vision (begin and end of image included): `token_type_ids`.
  package let tokenTypes: [Int]
  /// Rotary positions: `position_ids`. All vision tokens of a frame but the first and the last share one.
  package let positions: [Int]
  /// Frames in the prompt.
  package let frameCount: Int
  /// Vision tokens of each frame.
  package let tokensPerFrame: Int

  /// Tokens in front of the text: begin of text, and the frames with what stands between them. All prompts
  /// about a video that are written by one template begin with them.
  package let videoCount: Int

  /// The number of tokens.
  package var count: Int { ids.count }

  /// Far more vision tokens than any model has room for; it keeps a wrong count from filling the memory.
  private static let visionLimit = 1 << 24

  /// Puts a prompt together.
  ///
  /// The text, history included, is tokenized in one go, so that an answer's last period and the line end
  /// after it may become one token; each frame's number is tokenized by itself. Special tokens written in the
  /// query or the history are parsed, as in the published code.
  ///
  /// - Parameters:
  ///   - tokenizer: the model's tokenizer.
  ///   - template: the form of the text.
  ///   - frameCount: frames of the video; 0 for a question without one.
  ///   - history: earlier questions and answers, the oldest first.
  ///   - query: the question, or for `base` the text to go on with.
  ///   - beginOfTextID: the id of the first token.
  ///   - padID: the id of all vision tokens.
  ///   - tokensPerFrame: begin of image, the frame's vectors, end of image (66).
  /// - Throws: `CogError` when the template has no place for a history, or the numbers of frames and tokens
  ///   are not sensible.
  package init(
    tokenizer: Tokenizer, template: PromptTemplate, frameCount: Int, history: [Turn] = [], query: String,
    beginOfTextID: Int, padID: Int, tokensPerFrame: Int
  ) throws {
    let visionCount = try Checked.multiply(frameCount, tokensPerFrame, "number of vision tokens")
    guard frameCount >= 0, tokensPerFrame >= 0, visionCount <= Self.visionLimit else {
      throw CogError(
        "the number of vision tokens is wrong", expected: "0 to \(Self.visionLimit)",
        found: "\(frameCount) frames of \(tokensPerFrame)")
    }
    var ids = [beginOfTextID]
    var types = [0]
    func appendText(_ text: String) {
      let more = tokenizer.encode(text)
      ids += more
      types += repeatElement(0, count: more.count)
    }
    for frame in 0..<frameCount {
      ids += repeatElement(padID, count: tokensPerFrame)
      types += repeatElement(1, count: tokensPerFrame)
      if template.numbersFrames { appendText(String(frame)) }
    }
    videoCount = ids.count
    appendText(try template.text(query: query, history: history))
    self.ids = ids
    tokenTypes = types
    positions = Self.positions(of: types)
    self.frameCount = frameCount
    self.tokensPerFrame = tokensPerFrame
  }

  /// The rotary positions of tokens of these types (0 text, 1 vision), `[tokens]`.
  ///
  /// A vision token beside a text token, or at either end, counts as text. The first token has position 0;
  /// each next one adds 1 when it counts as text, or as vision right after text; else it keeps its left
  /// neighbor's. Source: `build_position_ids` of `modeling_cogvlm.py`.
  package static func positions(of tokenTypes: [Int]) -> [Int] {
    let countsAsVision = tokenTypes.indices.map { place in
      place > 0 && place + 1 < tokenTypes.count && tokenTypes[place - 1...place + 1].allSatisfy { $0 == 1 }
    }
    var positions: [Int] = []
    positions.reserveCapacity(tokenTypes.count)
    var position = 0
    for place in tokenTypes.indices {
      let keeps = place > 0 && countsAsVision[place] && countsAsVision[place - 1]
      if place > 0, !keeps { position += 1 }
      positions.append(position)
    }
    return positions
  }
}
