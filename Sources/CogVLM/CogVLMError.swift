import CogBase
import CogQuantize

/// What went wrong with an input or the environment, in words that a person can act on, with a code that a
/// program can switch on.
public struct CogVLMError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The kind of problem.
  public let code: Code
  /// The file at fault; nil where none is.
  public let file: String?
  /// The tensor, field or layer at fault; nil where none is.
  public let subject: String?
  /// One line: file, subject, what is wrong, what was expected and found, and what to do next.
  public let description: String

  /// The kinds of problems. More may come: a `switch` needs a default.
  public enum Code: String, Sendable {
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
    /// A system call failed for another reason.
    case system
  }

  init(_ error: CogError) {
    code = Code(rawValue: error.code.rawValue) ?? .invalid
    file = error.file
    subject = error.subject
    description = error.description
  }
}

/// Runs `body` and throws what the public face promises: ``CogVLMError``, or `CancellationError`.
func translatingErrors<Result>(_ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let stopped as CogQuantize.Conversion.Stopped {
    throw (stopped.cause as? CogError).map(CogVLMError.init) ?? stopped.cause
  } catch let error as CogError {
    throw CogVLMError(error)
  }
}
