import Foundation

/// A number with three significant digits, as errors are shown: `1.23e-05`.
func scientific(_ value: Double) -> String { String(format: "%.2e", value) }

/// A number with six decimals, as cosines are shown.
func fixed(_ value: Double) -> String { String(format: "%.6f", value) }
