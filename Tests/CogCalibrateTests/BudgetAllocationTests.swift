import CogBase
import CogModel
import CogTestSupport
import Testing

import CogCalibrate

/// The choice of candidates under a limit of bytes.
@Suite struct BudgetAllocationTests {
  private typealias Candidate = BudgetAllocation.Candidate
  private typealias Unit = BudgetAllocation.Unit

  private static func units(_ lists: [[(Int, Double)]]) -> [BudgetAllocation.Unit] {
    lists.map {
      Unit(candidates: $0.map { Candidate(bytes: $0.0, damage: $0.1, time: 0) }, part: .vision)
    }
  }

  @Test("Bytes go where they save the most damage")
  func gain() throws {
    let units = Self.units([[(10, 5), (20, 1)], [(10, 50), (20, 10)], [(10, 3), (20, 0)]])
    let allocation = try #require(BudgetAllocation(units, limit: 40, timeLimits: [:]))
    #expect(allocation.choices == [0, 1, 0] && allocation.bytes == 40)
    #expect(try #require(BudgetAllocation(units, limit: 59, timeLimits: [:])).choices == [1, 1, 0])
    #expect(try #require(BudgetAllocation(units, limit: 60, timeLimits: [:])).choices == [1, 1, 1])
  }

  @Test("Too few bytes for the smallest candidates give no choice, and just enough give those")
  func least() throws {
    let units = Self.units([[(20, 1), (10, 5)], [(15, 1)]])
    #expect(BudgetAllocation(units, limit: 24, timeLimits: [:]) == nil)
    #expect(try #require(BudgetAllocation(units, limit: 25, timeLimits: [:])).choices == [1, 0])
  }

  @Test("Candidates that are larger and no better are never chosen, nor equal ones of more damage")
  func dominated() throws {
    let units = Self.units([[(10, 5), (10, 4), (12, 4), (30, 6), (40, 0)]])
    #expect(try #require(BudgetAllocation(units, limit: 39, timeLimits: [:])).choices == [1])
    #expect(try #require(BudgetAllocation(units, limit: 40, timeLimits: [:])).choices == [4])
  }

  @Test("What a step off the hull leaves is filled with a candidate beside it")
  func rest() throws {
    // The step from 10 to 30 is the better one for each byte, but does not fit; 20 does.
    let units = Self.units([[(10, 10), (20, 8), (30, 0)]])
    #expect(try #require(BudgetAllocation(units, limit: 25, timeLimits: [:])).choices == [1])
  }

  @Test("Time is a limit too: the steps that fit it are taken, and slow candidates give way to faster ones")
  func time() throws {
    let slow = [
      Candidate(bytes: 10, damage: 9, time: 1), Candidate(bytes: 12, damage: 4, time: 3),
      Candidate(bytes: 20, damage: 1, time: 2),
    ]
    func choices(_ limit: Int, _ timeLimit: Double) -> [Int]? {
      let units = [Unit(candidates: slow, part: .vision), Unit(candidates: slow, part: .vision)]
      return BudgetAllocation(units, limit: limit, timeLimits: [.vision: timeLimit])?.choices
    }
    #expect(choices(24, 6) == [1, 1])
    // One of the two may be slow.
    #expect(choices(24, 4) == [1, 0])
    // With more bytes the slow one becomes the faster one of more bytes, and there is time for another.
    #expect(choices(40, 4) == [2, 2])
    // Less time than the smallest take: these stay.
    #expect(choices(40, 1) == [0, 0])
  }

  @Test("Each part has a limit of time of its own: what one leaves is not for the other")
  func parts() throws {
    let units = [ModelPart.vision, .language].map {
      Unit(
        candidates: [Candidate(bytes: 10, damage: 9, time: 1), Candidate(bytes: 12, damage: 4, time: 3)],
        part: $0)
    }
    #expect(BudgetAllocation(units, limit: 24, timeLimits: [.vision: 3, .language: 3])?.choices == [1, 1])
    #expect(BudgetAllocation(units, limit: 24, timeLimits: [.vision: 1, .language: 5])?.choices == [0, 1])
    #expect(BudgetAllocation(units, limit: 24, timeLimits: [.vision: 5, .language: 2])?.choices == [1, 0])
  }

  @Test("It is never worse than the best uniform choice, and near the best of all")
  func random() throws {
    var generator = SplitMix64(seed: 7)
    for _ in 0..<200 {
      let units = (0..<6).map { _ in
        var (bytes, damage) = (0, 1000.0)
        let candidates = (0..<4).map { _ in
          bytes += Int(generator.next() % 20) + 1
          damage *= Double(generator.next() % 1000) / 1000
          return Candidate(bytes: bytes, damage: damage, time: 0)
        }
        return Unit(candidates: candidates, part: .vision)
      }
      let limit = 60 + Int(generator.next() % 150)
      let best = Self.best(units, limit: limit)
      let allocation = BudgetAllocation(units, limit: limit, timeLimits: [:])
      #expect((allocation == nil) == (best == nil))
      guard let allocation, let best else { continue }
      let damage = zip(units, allocation.choices).reduce(0) { $0 + $1.0.candidates[$1.1].damage }
      #expect(allocation.bytes <= limit)
      #expect(
        allocation.bytes == zip(units, allocation.choices).reduce(0) { $0 + $1.0.candidates[$1.1].bytes })
      // What greedy steps can miss is the gain of the one that did not fit.
      let step = units.map { $0.candidates[0].damage - $0.candidates[3].damage }.max() ?? 0
      #expect(damage <= best + step)
    }
  }

  /// The least damage of all combinations; nil where none fits.
  private static func best(_ units: [BudgetAllocation.Unit], limit: Int) -> Double? {
    guard let first = units.first else { return limit >= 0 ? 0 : nil }
    let rest = Array(units.dropFirst())
    return first.candidates.compactMap { candidate in
      limit >= candidate.bytes
        ? best(rest, limit: limit - candidate.bytes).map { $0 + candidate.damage } : nil
    }.min()
  }
}
