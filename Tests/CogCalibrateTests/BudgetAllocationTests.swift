import CogBase
import CogTestSupport
import Testing

import CogCalibrate

/// The choice of candidates under a limit of bytes.
@Suite struct BudgetAllocationTests {
  private typealias Candidate = BudgetAllocation.Candidate

  private static func units(_ lists: [[(Int, Double)]]) -> [[BudgetAllocation.Candidate]] {
    lists.map { $0.map { Candidate(bytes: $0.0, damage: $0.1) } }
  }

  @Test("Bytes go where they save the most damage")
  func gain() throws {
    let units = Self.units([[(10, 5), (20, 1)], [(10, 50), (20, 10)], [(10, 3), (20, 0)]])
    let allocation = try #require(BudgetAllocation(units, limit: 40))
    #expect(allocation.choices == [0, 1, 0] && allocation.bytes == 40)
    #expect(try #require(BudgetAllocation(units, limit: 59)).choices == [1, 1, 0])
    #expect(try #require(BudgetAllocation(units, limit: 60)).choices == [1, 1, 1])
  }

  @Test("Too few bytes for the smallest candidates give no choice, and just enough give those")
  func least() throws {
    let units = Self.units([[(20, 1), (10, 5)], [(15, 1)]])
    #expect(BudgetAllocation(units, limit: 24) == nil)
    #expect(try #require(BudgetAllocation(units, limit: 25)).choices == [1, 0])
  }

  @Test("Candidates that are larger and no better are never chosen, nor equal ones of more damage")
  func dominated() throws {
    let units = Self.units([[(10, 5), (10, 4), (12, 4), (30, 6), (40, 0)]])
    #expect(try #require(BudgetAllocation(units, limit: 39)).choices == [1])
    #expect(try #require(BudgetAllocation(units, limit: 40)).choices == [4])
  }

  @Test("What a step off the hull leaves is filled with a candidate beside it")
  func rest() throws {
    // The step from 10 to 30 is the better one for each byte, but does not fit; 20 does.
    let units = Self.units([[(10, 10), (20, 8), (30, 0)]])
    #expect(try #require(BudgetAllocation(units, limit: 25)).choices == [1])
  }

  @Test("It is never worse than the best uniform choice, and near the best of all")
  func random() throws {
    var generator = SplitMix64(seed: 7)
    for _ in 0..<200 {
      let units = (0..<6).map { _ in
        var (bytes, damage) = (0, 1000.0)
        return (0..<4).map { _ in
          bytes += Int(generator.next() % 20) + 1
          damage *= Double(generator.next() % 1000) / 1000
          return Candidate(bytes: bytes, damage: damage)
        }
      }
      let limit = 60 + Int(generator.next() % 150)
      let best = Self.best(units, limit: limit)
      let allocation = BudgetAllocation(units, limit: limit)
      #expect((allocation == nil) == (best == nil))
      guard let allocation, let best else { continue }
      let damage = zip(units, allocation.choices).reduce(0) { $0 + $1.0[$1.1].damage }
      #expect(allocation.bytes <= limit)
      #expect(allocation.bytes == zip(units, allocation.choices).reduce(0) { $0 + $1.0[$1.1].bytes })
      // What greedy steps can miss is the gain of the one that did not fit.
      let step = units.map { $0[0].damage - $0[$0.count - 1].damage }.max() ?? 0
      #expect(damage <= best + step)
    }
  }

  /// The least damage of all combinations; nil where none fits.
  private static func best(_ units: [[BudgetAllocation.Candidate]], limit: Int) -> Double? {
    guard let first = units.first else { return limit >= 0 ? 0 : nil }
    let rest = Array(units.dropFirst())
    return first.compactMap { candidate in
      limit >= candidate.bytes
        ? best(rest, limit: limit - candidate.bytes).map { $0 + candidate.damage } : nil
    }.min()
  }
}
