/// What went wrong with an input or the environment, in the words a person can act on.
///
/// Every error of the toolkit that a user can cause has this type. The command prints
/// ``description`` and leaves with status 2.
public struct CogError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file at fault, as the user named it.
  public var file: String?
  /// The tensor, field, layer or option at fault.
  public var subject: String?
  /// What is wrong, in one clause without a final period.
  public var problem: String
  /// What a correct input has at this place.
  public var expected: String?
  /// What this input has instead.
  public var found: String?
  /// What to do next, a whole sentence.
  public var advice: String?

  /// Describes one problem; give as many of the parts as are known.
  public init(
    _ problem: String, file: String? = nil, subject: String? = nil, expected: String? = nil,
    found: String? = nil, advice: String? = nil
  ) {
    self.problem = problem
    self.file = file
    self.subject = subject
    self.expected = expected
    self.found = found
    self.advice = advice
  }

  /// `FILE: SUBJECT: PROBLEM: expected E, found F. ADVICE`, without the parts that are not known.
  public var description: String {
    var text = [file, subject, problem].compactMap { $0 }.joined(separator: ": ")
    let comparison = [expected.map { "expected \($0)" }, found.map { "found \($0)" }].compactMap { $0 }
    if !comparison.isEmpty { text += ": " + comparison.joined(separator: ", ") }
    if let advice { text += ". " + advice }
    return text.printable
  }

  /// The same error with the file named, when the place that threw it did not know the file.
  public func inFile(_ path: String) -> CogError {
    var copy = self
    if copy.file == nil { copy.file = path }
    return copy
  }

  /// An error from `errno` of a failed system call.
  ///
  /// - Parameters:
  ///   - action: what was tried, such as "cannot open".
  ///   - file: the file that it was tried on.
  public static func system(_ action: String, file: String, code: Int32) -> CogError {
    CogError("\(action): \(describeSystemError(code))", file: file)
  }
}

/// Runs `body` and names `path` in every ``CogError`` that does not name a file yet.
public func naming<Result>(file path: String, _ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let error as CogError {
    throw error.inFile(path)
  }
}
