extension Prompt {
  /// Tokens that several prompts begin with, in the same places and of the same kinds: of questions about one
  /// video its frames above all. Each prompt has one token of its own at least; one prompt alone shares none.
  package static func sharedCount(of prompts: [Prompt]) -> Int {
    guard let first = prompts.first, prompts.count > 1 else { return 0 }
    func isShared(_ place: Int, by other: Prompt) -> Bool {
      first.ids[place] == other.ids[place] && first.tokenTypes[place] == other.tokenTypes[place]
        && first.positions[place] == other.positions[place]
    }
    return prompts.dropFirst().reduce(first.count - 1) { shared, other in
      (0..<min(shared, other.count - 1)).prefix { isShared($0, by: other) }.count
    }
  }
}
