package import CogModel

/// The choice of one candidate for each of several units, with the least sum of damage whose sums of bytes,
/// and of time within each part of a model, stay within limits, as nearly as steps by gain for each byte find
/// it.
package struct BudgetAllocation {
  /// What can be chosen for a unit.
  package struct Candidate: Equatable {
    /// Bytes, and what choosing it costs.
    package let bytes: Int
    package let damage: Double
    /// Time that it takes, in any unit.
    package let time: Double

    /// A candidate.
    package init(bytes: Int, damage: Double, time: Double) {
      (self.bytes, self.damage, self.time) = (bytes, damage, time)
    }
  }

  /// What gets one candidate.
  package struct Unit: Equatable {
    /// One at least, in any order.
    package let candidates: [Candidate]
    /// Whose limit of time counts.
    package let part: ModelPart

    /// A unit.
    package init(candidates: [Candidate], part: ModelPart) {
      (self.candidates, self.part) = (candidates, part)
    }
  }

  /// The place of the choice among the candidates of each unit.
  package let choices: [Int]
  /// The sum of their bytes.
  package let bytes: Int

  /// Chooses.
  ///
  /// - Parameters:
  ///   - limit: the most bytes.
  ///   - timeLimits: the most time of each part, 0 where there is none; where the smallest candidates of a
  ///     part take more, none of the others adds to it.
  /// - Returns: nil when the smallest candidates together take more bytes.
  package init?(_ units: [Unit], limit: Int, timeLimits: [ModelPart: Double]) {
    let hulls = units.map { Self.hull($0.candidates) }
    var choices = hulls.map { $0.first ?? 0 }
    var left = Left(bytes: limit, times: timeLimits)
    for (unit, choice) in zip(units, choices) { left.take(unit.candidates[choice], part: unit.part) }
    guard left.bytes >= 0 else { return nil }
    // Along convex hulls gains only fall, so that a unit's steps come in their order.
    var steps: [(gain: Double, unit: Int, step: Int)] = []
    for (unit, hull) in hulls.enumerated() {
      for step in hull.indices.dropFirst() {
        let (from, to) = (units[unit].candidates[hull[step - 1]], units[unit].candidates[hull[step]])
        steps.append(((from.damage - to.damage) / Double(to.bytes - from.bytes), unit, step))
      }
    }
    steps.sort { ($1.gain, $0.unit, $0.step) < ($0.gain, $1.unit, $1.step) }
    var ended = Set<Int>()
    for step in steps where !ended.contains(step.unit) {
      let unit = units[step.unit]
      let next = hulls[step.unit][step.step]
      let change = unit.change(from: choices[step.unit], to: next)
      guard left.isEnough(for: change, part: unit.part) else {
        ended.insert(step.unit)
        continue
      }
      choices[step.unit] = next
      left.take(change, part: unit.part)
    }
    Self.fill(units, &choices, &left)
    (self.choices, bytes) = (choices, limit - left.bytes)
  }

  /// What choices leave of the limits.
  private struct Left {
    private(set) var bytes: Int
    private var times: [ModelPart: Double]

    init(bytes: Int, times: [ModelPart: Double]) { (self.bytes, self.times) = (bytes, times) }

    /// Whether a choice may be changed so; to what takes no more time always.
    func isEnough(for change: Candidate, part: ModelPart) -> Bool {
      change.bytes <= bytes && (change.time <= 0 || change.time <= times[part, default: 0])
    }

    mutating func take(_ change: Candidate, part: ModelPart) {
      bytes -= change.bytes
      times[part, default: 0] -= change.time
    }
  }

  /// Takes what still fits and lowers the damage, the largest drop first, candidates beside the hulls too.
  private static func fill(_ units: [Unit], _ choices: inout [Int], _ left: inout Left) {
    while true {
      var best: (change: Candidate, unit: Int, choice: Int)?
      for (number, unit) in units.enumerated() {
        for choice in unit.candidates.indices {
          let change = unit.change(from: choices[number], to: choice)
          if change.damage < best?.change.damage ?? 0, left.isEnough(for: change, part: unit.part) {
            best = (change, number, choice)
          }
        }
      }
      guard let best else { return }
      left.take(best.change, part: units[best.unit].part)
      choices[best.unit] = best.choice
    }
  }

  /// The places of the candidates on the lower convex hull, bytes rising and damage falling.
  private static func hull(_ candidates: [Candidate]) -> [Int] {
    let order = candidates.indices.sorted {
      (candidates[$0].bytes, candidates[$0].damage, $0) < (candidates[$1].bytes, candidates[$1].damage, $1)
    }
    var hull: [Int] = []
    for place in order {
      let candidate = candidates[place]
      if let last = hull.last, candidate.damage >= candidates[last].damage { continue }
      while hull.count > 1 {
        let (a, b) = (candidates[hull[hull.count - 2]], candidates[hull[hull.count - 1]])
        let through = (a.damage - b.damage) * Double(candidate.bytes - a.bytes)
        guard through <= (a.damage - candidate.damage) * Double(b.bytes - a.bytes) else { break }
        hull.removeLast()
      }
      // Of candidates of one size the first one is the best.
      if let last = hull.last, candidates[last].bytes == candidate.bytes { continue }
      hull.append(place)
    }
    return hull
  }
}

extension BudgetAllocation.Unit {
  /// What one candidate has more than another.
  fileprivate func change(from: Int, to: Int) -> BudgetAllocation.Candidate {
    let (from, to) = (candidates[from], candidates[to])
    return BudgetAllocation.Candidate(
      bytes: to.bytes - from.bytes, damage: to.damage - from.damage, time: to.time - from.time)
  }
}
