/// How threads share out the products of some weights with many tokens. A task is a part of a weight's panels
/// with all tokens, which are unpacked once; but the last one of each thread's share has the tokens in parts
/// of their own, so that no thread waits long for another whose processor is slower for the moment.
struct ProductTasks {
  /// A task: part `part` of `partCount` of a product's panels, and some tokens.
  struct Task {
    let product, part, partCount: Int
    let tokens: Range<Int>

    /// The task's part of `count` things.
    func share(of count: Int) -> Range<Int> { part * count / partCount..<(part + 1) * count / partCount }
  }

  private static let fewestTokens = 96

  /// Parts of each product's panels.
  private let counts: [Int]
  private let tokens, tileTokens: Int
  /// Tasks of a thread's share: `whole` with all tokens, then `split` with a part of them.
  private let whole, split: Int
  /// How many there are.
  let count: Int

  init(counts: [Int], tokens: Int, tileTokens: Int, threads: Int) {
    let total = counts.reduce(0, +)
    // Without equal shares, one with all tasks.
    let shares = total % threads == 0 ? threads : 1
    self.counts = counts
    self.tokens = tokens
    self.tileTokens = tileTokens
    split = shares > 1 ? min(4, max(1, tokens / Self.fewestTokens)) : 1
    whole = total / shares - 1
    count = shares * (whole + split)
  }

  subscript(index: Int) -> Task {
    let (share, place) = index.quotientAndRemainder(dividingBy: whole + split)
    var part = share * (whole + 1) + min(place, whole)
    var product = 0
    while part >= counts[product] {
      part -= counts[product]
      product += 1
    }
    return Task(
      product: product, part: part, partCount: counts[product],
      tokens: place < whole ? 0..<tokens : firstToken(place - whole)..<firstToken(place - whole + 1))
  }

  /// Where a part of the tokens begins, and the one before it ends: with a whole tile.
  private func firstToken(_ part: Int) -> Int {
    part == split ? tokens : tokens * part / split / tileTokens * tileTokens
  }
}
