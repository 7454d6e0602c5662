import Foundation

/// How values lie along an axis.
package enum AxisScale: Sendable {
  /// Equal steps.
  case linear
  /// Equal steps are equal factors. Zeros get a rail of their own at the low end.
  case logarithmic
}

/// Maps values to pixels, with ticks, and with rails for what the scale has no place for: zeros and negatives
/// of a logarithmic scale at the low end, NaN and infinity at the high end.
struct ValueAxis {
  struct Tick {
    let position: Double
    let label: String
  }

  private let scale: AxisScale
  private let low: Double
  private let high: Double
  private let start: Double
  private let end: Double
  private let step: Double
  /// Where zeros go on a logarithmic scale; nil where there are none.
  let zeroRail: Double?
  /// Where NaN and infinity go; nil where there are none.
  let nonFiniteRail: Double?
  private let style: NumberStyle

  /// An axis over all of `values`.
  ///
  /// - Parameters:
  ///   - from: the pixel of the low end, rails included.
  ///   - to: the pixel of the high end.
  ///   - includesZero: whether a linear axis begins at 0.
  init(
    values: [Double], scale: AxisScale, from: Double, to: Double, style: NumberStyle = .plain,
    includesZero: Bool = false
  ) {
    self.scale = scale
    self.style = style
    let direction: Double = to > from ? 1 : -1
    let rail = 16 * direction
    let finite = values.filter(\.isFinite)
    let placed = scale == .logarithmic ? finite.filter { $0 > 0 }.map(log10) : finite
    let hasZero = scale == .logarithmic && finite.contains { $0 <= 0 }
    let hasNonFinite = values.contains { !$0.isFinite }
    start = hasZero ? from + rail : from
    end = hasNonFinite ? to - rail : to
    zeroRail = hasZero ? from : nil
    nonFiniteRail = hasNonFinite ? to : nil
    var (low, high) = (placed.min() ?? 0, placed.max() ?? 1)
    let room = max(2, abs(end - start) / 26)
    switch scale {
    case .logarithmic:
      (low, high) = (low.rounded(.down), high.rounded(.up))
      if high - low < 1 { high = low + 1 }
      step = max(1, ((high - low) / room).rounded(.up))
    case .linear:
      if includesZero { (low, high) = (min(low, 0), max(high, 0)) }
      if high <= low { high = low + max(abs(low) * 0.1, 1e-300) + (low == 0 ? 1 : 0) }
      step = Self.niceStep((high - low) / min(room, 8), unit: style.unit(of: max(abs(low), abs(high))))
      (low, high) = ((low / step).rounded(.down) * step, (high / step).rounded(.up) * step)
    }
    (self.low, self.high) = (low, high)
  }

  /// The pixel of a value.
  func position(_ value: Double) -> Double {
    guard value.isFinite else { return nonFiniteRail ?? end }
    if scale == .logarithmic, value <= 0 { return zeroRail ?? start }
    let place = scale == .logarithmic ? log10(value) : value
    return start + (place - low) / (high - low) * (end - start)
  }

  /// Whether a value has a place on the scale itself, and not on a rail.
  func isOnScale(_ value: Double) -> Bool { value.isFinite && (scale == .linear || value > 0) }

  /// The ticks from the low end to the high end, rails included.
  var ticks: [Tick] {
    var result: [Tick] = []
    if let zeroRail { result.append(Tick(position: zeroRail, label: "0")) }
    let count = Int(((high - low) / step + 1e-6).rounded(.down))
    for index in 0...max(count, 0) {
      let place = low + Double(index) * step
      let value = scale == .logarithmic ? pow(10, place) : (abs(place) < step * 1e-9 ? 0 : place)
      result.append(Tick(position: position(value), label: label(value, exponent: place)))
    }
    if let nonFiniteRail { result.append(Tick(position: nonFiniteRail, label: "NaN, ∞")) }
    return result
  }

  private func label(_ value: Double, exponent: Double) -> String {
    guard scale == .logarithmic, case .plain = style else {
      if scale == .logarithmic, case .scientific = style { return Self.power(Int(exponent)) }
      return style.text(value)
    }
    return (-3...4).contains(exponent) ? style.text(value) : Self.power(Int(exponent))
  }

  private static func power(_ exponent: Int) -> String {
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    let raised = String(String(abs(exponent)).compactMap(\.wholeNumberValue).map { digits[$0] })
    return "10" + (exponent < 0 ? "⁻" : "") + raised
  }

  /// The smallest of 1, 2 and 5 times a power of ten, in multiples of a unit, that is not below `step`.
  private static func niceStep(_ step: Double, unit: Double) -> Double {
    let power = unit * pow(10, log10(max(step / unit, 1e-300)).rounded(.down))
    return [1, 2, 5, 10].map { $0 * power }.first { $0 >= step * (1 - 1e-9) } ?? 10 * power
  }
}
