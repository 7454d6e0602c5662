/// What went wrong with an input or the environment, in the words a person can act on.
///
/// Every error of the toolkit that a user can cause has this type. The command prints
/// ``description`` and exits with status 2; programs switch on ``code``.
package struct CogError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What kind of problem it is.
  package var code: Code
  /// The file at fault, as the user named it.
  package var file: String?
  /// The tensor, field, layer or option at fault.
  package var subject: String?
  /// What is wrong, in one clause without a final period.
  package var problem: String
  /// What a correct input has at this place.
  package var expected: String?
  /// What this input has instead.
  package var found: String?
  /// What to do next, a whole sentence.
  package var advice: String?
  /// The error that led to this one, where there is one.
  package var cause: (any Error)?

  /// Describes one problem; give as many of the parts as are known.
  package init(
    _ problem: String, code: Code = .invalid, file: String? = nil, subject: String? = nil,
    expected: String? = nil, found: String? = nil, advice: String? = nil, cause: (any Error)? = nil
  ) {
    self.problem = problem
    self.code = code
    self.file = file
    self.subject = subject
    self.expected = expected
    self.found = found
    self.advice = advice
    self.cause = cause
  }

  /// `FILE: SUBJECT: PROBLEM: expected E, found F. ADVICE`, without the parts that are not known; what is too
  /// long to be read is shortened.
  package var description: String {
    var text = [file, subject?.shortened, problem.shortened].compactMap { $0 }.joined(separator: ": ")
    let comparison = [
      expected.map { "expected \($0.shortened)" }, found.map { "found \($0.shortened)" },
    ].compactMap { $0 }
    if !comparison.isEmpty { text += ": " + comparison.joined(separator: ", ") }
    if let advice { text += ". " + advice }
    return text.printable
  }

  /// Equal codes and words; causes are not compared.
  package static func == (a: CogError, b: CogError) -> Bool {
    a.code == b.code && a.description == b.description
  }

  /// The same error as what is wrong with `what`, such as a tensor that is made of damaged bytes.
  package func concerning(_ what: String) -> CogError {
    var copy = self
    copy.problem = "\(what): \(problem)"
    copy.cause = self
    return copy
  }

  /// The same error with the file named, when the place that threw it did not know the file.
  package func inFile(_ path: String) -> CogError {
    var copy = self
    if copy.file == nil { copy.file = path }
    return copy
  }
}

extension CogError {
  /// The kinds of problems. More may come: a `switch` needs a default.
  package enum Code: String, Sendable {
    /// A value, field or option is not one that is allowed here.
    case invalid
    /// Bytes are not what they once were: a checksum differs, a structure is broken, a file is cut off.
    case damaged
    /// Something that belongs to the input is missing: a tensor, a file of a checkpoint.
    case incomplete
    /// The input is in order, but of a kind or version that is not read.
    case unsupported
    /// The weights or the configuration belong to another model.
    case wrongModel
    /// There is no such file or folder.
    case notFound
    /// A value is NaN or infinite where only finite ones will do.
    case notFinite
    /// The disk has no room.
    case diskFull
    /// Another process holds what this one needs.
    case busy
    /// A system call failed for another reason; ``CogError/cause`` has its `errno`.
    case system
  }
}

/// Runs `body` and names `path` in every ``CogError`` that does not name a file yet.
package func naming<Result>(file path: String, _ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let error as CogError {
    throw error.inFile(path)
  }
}
