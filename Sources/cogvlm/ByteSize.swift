import ArgumentParser

/// A number of bytes as a person writes it: `5GB`, `800MiB`, `1000000`.
struct ByteSize: ExpressibleByArgument, CustomStringConvertible {
  let bytes: Int
  let description: String

  private static let units = [
    "": 1, "b": 1, "kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000, "tb": 1_000_000_000_000,
    "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
  ]

  init?(argument: String) {
    let digits = argument.prefix { $0.isASCII && $0.isNumber }
    let unit = argument.dropFirst(digits.count).drop { $0 == " " }.lowercased()
    guard let number = Int(digits), number > 0, let factor = Self.units[unit] else { return nil }
    let (bytes, isTooLarge) = number.multipliedReportingOverflow(by: factor)
    guard !isTooLarge else { return nil }
    self.bytes = bytes
    description = argument
  }

  init(gigabytes: Int) {
    bytes = gigabytes * 1_000_000_000
    description = "\(gigabytes)GB"
  }
}
