import ArgumentParser
import CogBase

/// Runs a check of options that looks at no file: what is wrong with them is wrong usage (status 64).
///
/// - Parameter option: the option at fault, where the check does not know it.
/// - Throws: `ValidationError` with the words of the ``CogError`` that the check throws.
func asUsage<Result>(_ option: String? = nil, _ check: () throws -> Result) throws -> Result {
  do {
    return try check()
  } catch var error as CogError {
    error.subject = error.subject ?? option
    throw ValidationError(error.description)
  }
}
