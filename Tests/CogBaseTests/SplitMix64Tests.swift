import CogBase
import Testing

@Suite struct SplitMix64Tests {
  /// Source: the values of `splitmix64.c` by Sebastiano Vigna for the seed 1234567.
  @Test("The sequence is the published one")
  func sequence() {
    var random = SplitMix64(seed: 1_234_567)
    let expected: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
      4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
    ]
    #expect(expected.map { _ in random.next() } == expected)
  }

  @Test("Streams of one seed differ from each other and are the same in every run")
  func streams() {
    func first(_ stream: Int) -> UInt64 {
      var random = SplitMix64(seed: 7, stream: stream)
      return random.next()
    }
    #expect(Set((0..<100).map(first)).count == 100)
    #expect(first(3) == first(3))
  }

  @Test("Unit numbers are in [0, 1) and spread over it")
  func units() {
    var random = SplitMix64(seed: 3)
    let floats = (0..<10_000).map { _ in random.nextUnitFloat() }
    let doubles = (0..<10_000).map { _ in random.nextUnitDouble() }
    #expect(floats.allSatisfy { (0..<1).contains($0) } && doubles.allSatisfy { (0..<1).contains($0) })
    #expect(abs(floats.reduce(0, +) / 10_000 - 0.5) < 0.02 && abs(doubles.reduce(0, +) / 10_000 - 0.5) < 0.02)
  }
}
