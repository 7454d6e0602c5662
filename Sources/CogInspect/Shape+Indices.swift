import CogBase

extension Shape {
  /// The indices of the element at a place of the row-major order.
  func indices(of place: Int) -> [Int] {
    var rest = place
    return dimensions.reversed().map { size in
      defer { rest /= max(1, size) }
      return rest % max(1, size)
    }.reversed()
  }
}
