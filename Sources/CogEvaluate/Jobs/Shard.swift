/// One of several parts of a run, each done by a process of its own.
package struct Shard: Equatable, Sendable {
  /// Which part, from 0.
  package let number: Int
  /// How many parts there are.
  package let count: Int

  /// All of a run.
  package static let whole = Shard(number: 0, of: 1)
  /// More are a slip of the pen.
  private static let most = 99_999

  private init(number: Int, of count: Int) { (self.number, self.count) = (number, count) }

  /// A part of `count`; nil where there is no such part.
  package init?(_ number: Int, of count: Int) {
    guard (1...Self.most).contains(count), (0..<count).contains(number) else { return nil }
    self.init(number: number, of: count)
  }

  /// A part as the command line spells it: `0/4` is the first of four. Nil for anything else.
  package init?(_ text: String) {
    let fields = text.split(separator: "/", omittingEmptySubsequences: false).map { field in
      field.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(field) : nil
    }
    guard fields.count == 2, let number = fields[0], let count = fields[1] else { return nil }
    self.init(number, of: count)
  }

  /// As in names of files: `00000-of-00004`.
  package var name: String { "\(Self.padded(number))-of-\(Self.padded(count))" }

  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }

  /// The videos of the part: they are dealt out one by one in the order of the list.
  package func videos(of list: RunList) -> [String] {
    list.videos.enumerated().filter { $0.offset % count == number }.map(\.element)
  }
}

extension Shard: CustomStringConvertible {
  /// As the command line spells it.
  package var description: String { "\(number)/\(count)" }
}
