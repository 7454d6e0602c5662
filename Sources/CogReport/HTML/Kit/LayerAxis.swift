/// A place along a chart's horizontal axis: a layer, a tap.
package struct LayerPoint: Sendable {
  /// The whole name, such as `model.layers.12`; tooltips show it.
  package let name: String
  /// What stands below the axis, such as `12`; left out where there is no room.
  package let label: String
  /// The part of the model that the point belongs to; neighbors of one group share a band with its name.
  package let group: String

  /// A place along the axis.
  package init(name: String, label: String, group: String = "") {
    self.name = name
    self.label = label
    self.group = group
  }
}

/// Places points side by side, bands behind the groups, and as many labels below as fit without touching.
struct LayerAxis {
  struct Band {
    let start: Double
    let end: Double
    let name: String
    /// Every other band is drawn.
    let isShaded: Bool
  }

  let points: [LayerPoint]
  let from: Double
  let to: Double
  /// Pixels from one point to the next.
  var spacing: Double { (to - from) / Double(max(points.count, 1)) }

  /// The pixel of a point's middle.
  func position(_ index: Int) -> Double { from + (Double(index) + 0.5) * spacing }

  /// The pixel of the middle of a point's label, which is moved inwards where it would leave the drawing.
  func labelPosition(_ index: Int) -> Double {
    min(position(index), to + 6 - textWidth(points[index].label) / 2)
  }

  /// Runs of points of one group.
  var bands: [Band] {
    var result: [Band] = []
    var first = 0
    for index in points.indices
    where index + 1 == points.count || points[index + 1].group != points[index].group {
      result.append(
        Band(
          start: from + Double(first) * spacing, end: from + Double(index + 1) * spacing,
          name: points[index].group, isShaded: result.count.isMultiple(of: 2)))
      first = index + 1
    }
    return result
  }

  /// The indices of the points whose labels are shown: the preferred ones first, then numbers in the closest
  /// regular step that fits (every 10th, 5th, 2nd, all), then the other names where there is room left.
  func labeled(preferring preferred: [Int] = []) -> [Int] {
    var placed: [(range: ClosedRange<Double>, index: Int)] = []
    func span(_ index: Int) -> ClosedRange<Double> {
      let (middle, half) = (labelPosition(index), textWidth(points[index].label) / 2 + 2)
      return middle - half...middle + half
    }
    func fits(_ index: Int) -> Bool { placed.allSatisfy { !$0.range.overlaps(span(index)) } }
    for index in preferred where points.indices.contains(index) && fits(index) {
      placed.append((span(index), index))
    }
    let numbers = points.indices.compactMap { index in Int(points[index].label).map { (index, $0) } }
    var step = 0
    for candidate in [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] where step == 0 {
      let chosen = numbers.filter { $0.1.isMultiple(of: candidate) }.map(\.0)
      let spans = chosen.map(span)
      if zip(spans, spans.dropFirst()).allSatisfy({ !$0.overlaps($1) }) { step = candidate }
    }
    let regular = step > 0 ? numbers.filter { $0.1.isMultiple(of: step) }.map(\.0) : []
    let others = points.indices.filter { Int(points[$0].label) == nil && !points[$0].label.isEmpty }
    for index in regular + others where fits(index) { placed.append((span(index), index)) }
    return placed.map(\.index).sorted()
  }
}
