/// The choice of one candidate for each of several units, with the least sum of damage whose sums of bytes
/// and of time stay within limits, as nearly as steps by gain for each byte find it.
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

  /// The place of the choice among the candidates of each unit.
  package let choices: [Int]
  /// The sum of their bytes.
  package let bytes: Int

  /// Chooses.
  ///
  /// - Parameters:
  ///   - units: the candidates of each, one at least, in any order.
  ///   - limit: the most bytes.
  ///   - timeLimit: the most time; where the smallest candidates take more, none of the others adds to it.
  /// - Returns: nil when the smallest candidates together take more bytes.
  package init?(_ units: [[Candidate]], limit: Int, timeLimit: Double) {
    let hulls = units.map(Self.hull)
    var choices = hulls.map { $0.first ?? 0 }
    var left = Left(units, choices, limit: limit, timeLimit: timeLimit)
    guard left.bytes >= 0 else { return nil }
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
      let (from, to) = (units[step.unit][choices[step.unit]], units[step.unit][next])
      guard left.isEnough(from: from, to: to) else {
        ended.insert(step.unit)
        continue
      }
      choices[step.unit] = next
      left.take(from: from, to: to)
    }
    Self.fill(units, &choices, &left)
    (self.choices, bytes) = (choices, limit - left.bytes)
  }

  /// What choices leave of the limits.
  private struct Left {
    private(set) var bytes: Int
    private var time: Double

    init(_ units: [[Candidate]], _ choices: [Int], limit: Int, timeLimit: Double) {
      (bytes, time) = (limit, timeLimit)
      for (unit, choice) in zip(units, choices) {
        bytes -= unit[choice].bytes
        time -= unit[choice].time
      }
    }

    /// Whether one choice may be changed; to what takes no more time always.
    func isEnough(from: Candidate, to: Candidate) -> Bool {
      to.bytes - from.bytes <= bytes && (to.time <= from.time || to.time - from.time <= time)
    }

    mutating func take(from: Candidate, to: Candidate) {
      bytes -= to.bytes - from.bytes
      time -= to.time - from.time
    }
  }

  /// Takes what still fits and lowers the damage, the largest drop first, candidates beside the hulls too.
  private static func fill(_ units: [[Candidate]], _ choices: inout [Int], _ left: inout Left) {
    while true {
      var best: (drop: Double, unit: Int, choice: Int)?
      for unit in units.indices {
        let now = units[unit][choices[unit]]
        for (choice, candidate) in units[unit].enumerated()
        where left.isEnough(from: now, to: candidate) && now.damage - candidate.damage > best?.drop ?? 0 {
          best = (now.damage - candidate.damage, unit, choice)
        }
      }
      guard let best else { return }
      left.take(from: units[best.unit][choices[best.unit]], to: units[best.unit][best.choice])
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
