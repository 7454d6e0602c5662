/// What a token of the input of a layer stands for.
package enum TokenKind: String, CaseIterable, Sendable, Codable {
  /// A part of a frame: all of the tower and the adapter, and in the language model what is typed vision.
  case image
  /// Text, the numbers of the frames among it.
  case text
}

/// The moments of the input of one linear layer, apart for image and text.
package struct InputMoments: Equatable, Sendable {
  /// Of image tokens; nil where there were none.
  package var image: ChannelMoments?
  /// Of text tokens; nil where there were none.
  package var text: ChannelMoments?

  /// Of no tokens, or of those that are given.
  package init(image: ChannelMoments? = nil, text: ChannelMoments? = nil) {
    (self.image, self.text) = (image, text)
  }

  /// The moments of one kind of token.
  package subscript(kind: TokenKind) -> ChannelMoments? {
    get { kind == .image ? image : text }
    set { if kind == .image { image = newValue } else { text = newValue } }
    _modify { if kind == .image { yield &image } else { yield &text } }
  }

  /// Channels; 0 where there are no moments.
  package var columns: Int { image?.columns ?? text?.columns ?? 0 }

  /// Adds the moments of other tokens.
  mutating func add(_ other: InputMoments) {
    for kind in TokenKind.allCases {
      guard let more = other[kind] else { continue }
      self[kind, columns: more.columns].add(more)
    }
  }

  /// The moments of one kind, of no tokens where there are none yet.
  subscript(kind: TokenKind, columns columns: Int) -> ChannelMoments {
    get { self[kind] ?? ChannelMoments(columns: columns) }
    _modify {
      // Moved out and in again, so that the lists are changed where they are.
      var moments = self[kind] ?? ChannelMoments(columns: columns)
      self[kind] = nil
      defer { self[kind] = moments }
      yield &moments
    }
  }
}

/// The moments of the inputs of a model's linear layers, by the name of the layer's weight; of layers that
/// share their input by the first one's. In the order in which they were first seen: that of the forward
/// pass.
package struct MomentTable: Equatable, Sendable {
  /// The names in order.
  package private(set) var names: [String] = []
  private var byName: [String: InputMoments] = [:]

  /// Of nothing.
  package init() {}

  /// Whether nothing was seen.
  package var isEmpty: Bool { names.isEmpty }

  /// The moments of an input; of no tokens for one that is not there.
  package subscript(name: String) -> InputMoments? { byName[name] }

  /// Adds moments to those of a name.
  package mutating func add(_ moments: InputMoments, to name: String) { self[adding: name].add(moments) }

  /// Adds the moments of another table of the same model.
  mutating func add(_ other: MomentTable) {
    for name in other.names { add(other.byName[name] ?? InputMoments(), to: name) }
  }

  /// The moments of a name, to be changed in place.
  package subscript(adding name: String) -> InputMoments {
    get { byName[name] ?? InputMoments() }
    _modify {
      if byName[name] == nil { names.append(name) }
      yield &byName[name, default: InputMoments()]
    }
  }
}
