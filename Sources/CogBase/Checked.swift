/// Arithmetic on sizes that come from files: overflow is an error, never a trap.
package enum Checked {
  /// `a * b`. - Throws: ``CogError`` naming `what` when it does not fit.
  package static func multiply(_ a: Int, _ b: Int, _ what: @autoclosure () -> String) throws -> Int {
    let (value, overflow) = a.multipliedReportingOverflow(by: b)
    if overflow { throw CogError("\(what()) is too large", found: "\(a) x \(b)") }
    return value
  }

  /// `a + b`. - Throws: ``CogError`` naming `what` when it does not fit.
  package static func add(_ a: Int, _ b: Int, _ what: @autoclosure () -> String) throws -> Int {
    let (value, overflow) = a.addingReportingOverflow(b)
    if overflow { throw CogError("\(what()) is too large", found: "\(a) + \(b)") }
    return value
  }

  /// An unsigned 64-bit number of a file as `Int`. - Throws: ``CogError`` naming `what` when it does not fit.
  package static func int(_ value: UInt64, _ what: @autoclosure () -> String) throws -> Int {
    guard let result = Int(exactly: value) else {
      throw CogError("\(what()) is too large", found: "\(value)")
    }
    return result
  }

  /// The smallest multiple of `alignment` that is not below `value`. - Throws: ``CogError`` on overflow.
  package static func alignUp(_ value: Int, to alignment: Int, _ what: @autoclosure () -> String) throws
    -> Int
  {
    try add(value, alignment - 1, what()) / alignment * alignment
  }
}
