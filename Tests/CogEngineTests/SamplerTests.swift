import CogBase
import CogEngine
import Testing

@Suite struct SamplerTests {
  private func draw(_ logits: [Float], _ options: SamplingOptions, count: Int = 1) -> [Int] {
    var sampler = Sampler(options)
    return (0..<count).map { _ in logits.withUnsafeBufferPointer { sampler.next($0) } }
  }

  @Test("Greedy takes the largest logit, the first of equal ones, and never NaN")
  func greedy() {
    #expect(draw([0, 3, 1, 3], .greedy) == [1])
    #expect(draw([.nan, -5, .nan, -4], .greedy) == [3])
    #expect(draw([-.infinity, 0], .greedy) == [1])
  }

  @Test("The same seed draws the same tokens, another seed others")
  func seed() throws {
    let logits = [Float](repeating: 0, count: 100)
    let first = draw(logits, try SamplingOptions(temperature: 1, seed: 1), count: 50)
    #expect(first == draw(logits, try SamplingOptions(temperature: 1, seed: 1), count: 50))
    #expect(first != draw(logits, try SamplingOptions(temperature: 1, seed: 2), count: 50))
  }

  @Test("Tokens are drawn as often as softmax says")
  func frequencies() throws {
    let logits: [Float] = [0, 1, 2]
    let drawn = draw(logits, try SamplingOptions(temperature: 1, seed: 3), count: 20_000)
    let weights = [1.0, 2.718281828, 7.389056099]
    for (id, weight) in weights.enumerated() {
      let share = Double(drawn.count { $0 == id }) / 20_000
      #expect(abs(share - weight / weights.reduce(0, +)) < 0.015)
    }
  }

  @Test("Top-p keeps the smallest set of likely tokens that reaches it")
  func nucleus() throws {
    let logits: [Float] = [0, 1, 2]
    // The likeliest token alone has 0.665; with the second one 0.91.
    #expect(Set(draw(logits, try SamplingOptions(temperature: 1, topP: 0.6, seed: 4), count: 500)) == [2])
    #expect(Set(draw(logits, try SamplingOptions(temperature: 1, topP: 0.7, seed: 4), count: 500)) == [1, 2])
  }

  @Test("Options out of range are refused")
  func ranges() {
    #expect(throws: CogError.self) { try SamplingOptions(temperature: -1) }
    #expect(throws: CogError.self) { try SamplingOptions(temperature: .infinity) }
    #expect(throws: CogError.self) { try SamplingOptions(topP: 0) }
    #expect(throws: CogError.self) { try SamplingOptions(topP: 1.5) }
  }

  @Test("The margin is the gap between the two largest logits")
  func margin() {
    let logits: [Float] = [1, 7, 5, 7.5]
    #expect(logits.withUnsafeBufferPointer { Session.margin($0) } == 0.5)
  }
}
