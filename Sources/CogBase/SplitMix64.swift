/// A small generator of random numbers with a seed, which Swift's own does not take.
///
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
package struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// A generator at the start of the sequence that the seed gives.
  package init(seed: UInt64) { state = seed }

  /// A generator of its own for each of many pieces that are filled at the same time.
  package init(seed: UInt64, stream: Int) {
    var parent = SplitMix64(seed: seed ^ (UInt64(truncatingIfNeeded: stream) &* 0xD6E8_FEB8_6659_FD93))
    state = parent.next()
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number in [0, 1), from 24 random bits.
  package mutating func nextUnitFloat() -> Float { Float(next() >> 40) * 0x1p-24 }

  /// A number in [0, 1), from 53 random bits.
  package mutating func nextUnitDouble() -> Double { Double(next() >> 11) * 0x1p-53 }
}
