import Glibc

/// A failed system call's `errno`, the ``CogError/cause`` of errors made from one.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The value of `errno`.
  package let number: Int32

  /// The error of a value of `errno`.
  package init(number: Int32) { self.number = number }

  /// The C library's text for the value.
  package var description: String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard strerror_r(number, &buffer, buffer.count) == 0 else { return "error \(number)" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// The kind of problem that the value stands for.
  fileprivate var code: CogError.Code {
    switch number {
    case ENOENT, ENOTDIR: .notFound
    case ENOSPC, EDQUOT, EFBIG: .diskFull
    case EWOULDBLOCK, EBUSY, ETXTBSY: .busy
    default: .system
    }
  }
}

extension CogError {
  /// The `errno` of the failed system call that led to this error; nil where there was none.
  package var systemNumber: Int32? {
    (cause as? SystemError)?.number ?? (cause as? CogError)?.systemNumber
  }

  /// An error from `errno` of a failed system call.
  ///
  /// - Parameters:
  ///   - action: what was tried, such as "cannot open".
  ///   - file: the file that it was tried on.
  ///   - code: the value of `errno`.
  package static func system(_ action: String, file: String, code: Int32) -> CogError {
    let cause = SystemError(number: code)
    return CogError("\(action): \(cause)", code: cause.code, file: file, cause: cause)
  }
}
