/// The choice of one candidate for each of several units, with the least sum of damage whose sum of bytes
/// stays within a limit, as nearly as steps by gain for each byte find it.
package struct BudgetAllocation {
  /// What can be chosen for a unit.
  package struct Candidate: Equatable {
    /// Bytes, and what choosing it costs.
    package let bytes: Int
    package let damage: Double

    /// A candidate.
    package init(bytes: Int, damage: Double) { (self.bytes, self.damage) = (bytes, damage) }
  }

  /// The place of the choice among the candidates of each unit.
  package let choices: [Int]
  /// The sum of their bytes.
  package let bytes: Int

  /// Chooses.
  ///
  /// - Parameters:
  ///   - units: the candidates of each, one at least, in any order.
  ///   - limit: the most bytes.
  /// - Returns: nil when the smallest candidates together take more.
  package init?(_ units: [[Candidate]], limit: Int) {
    let hulls = units.map(Self.hull)
    var choices = hulls.map { $0.first ?? 0 }
    var bytes = zip(units, choices).reduce(0) { $0 + $1.0[$1.1].bytes }
    guard bytes <= limit else { return nil }
    // Along convex hulls gains only fall, so that a unit's steps come in their order.
    var steps: [(gain: Double, unit: Int, step: Int)] = []
    for (unit, hull) in hulls.enumerated() {
      for step in hull.indices.dropFirst() {
        let (from, to) = (units[unit][hull[step - 1]], units[unit][hull[step]])
        steps.append(((from.damage - to.damage) / Double(to.bytes - from.bytes), unit, step))
      }
    }
    steps.sort { ($1.gain, $0.unit, $0.step) < ($0.gain, $1.unit, $1.step) }
    var ended = Set<Int>()
    for step in steps where !ended.contains(step.unit) {
      let next = hulls[step.unit][step.step]
      let more = units[step.unit][next].bytes - units[step.unit][choices[step.unit]].bytes
      guard bytes + more <= limit else {
        ended.insert(step.unit)
        continue
      }
      choices[step.unit] = next
      bytes += more
    }
    Self.fill(units, &choices, &bytes, limit: limit)
    (self.choices, self.bytes) = (choices, bytes)
  }

  /// Takes what still fits and lowers the damage, the largest drop first, candidates beside the hulls too.
  private static func fill(
    _ units: [[Candidate]], _ choices: inout [Int], _ bytes: inout Int, limit: Int
  ) {
    while true {
      var best: (drop: Double, unit: Int, choice: Int)?
      for unit in units.indices {
        let now = units[unit][choices[unit]]
        for (choice, candidate) in units[unit].enumerated()
        where bytes - now.bytes + candidate.bytes <= limit && now.damage - candidate.damage > best?.drop ?? 0
        {
          best = (now.damage - candidate.damage, unit, choice)
        }
      }
      guard let best else { return }
      bytes += units[best.unit][best.choice].bytes - units[best.unit][choices[best.unit]].bytes
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
