import CogBase
import Glibc

/// The videos of a run that were there when work on them began. One that is lost meanwhile, as on a share
/// that went away, has not failed: a line that says so would stand for good.
struct VideoWatch {
  /// Why the run stops in place of noting a failure.
  struct Lost: Error {
    let error: CogError
  }

  private let present: Set<String>
  private let path: (RunItem) -> String

  /// Errors of disks, networks and this process, whatever is read.
  private static let unrelated = [
    EIO, ESTALE, ENOTCONN, ETIMEDOUT, EHOSTDOWN, EMFILE, ENFILE, ENOMEM,
  ]
  private static let advice =
    "It is not noted as failed, and the same command goes on when it can be read again."

  /// Looks which videos are there.
  ///
  /// - Parameter path: where an item's video is.
  init(_ items: [RunItem], path: @escaping (RunItem) -> String) {
    self.path = path
    let byVideo = Dictionary(items.map { ($0.video, $0) }) { first, _ in first }
    present = Set(byVideo.filter { FileSystem.isThere(path($0.value)) }.keys)
  }

  /// Makes sure that an error is one of the item's video itself.
  ///
  /// - Throws: ``Lost`` when the video was there and is gone, or the system could not read it.
  func requireOwn(_ error: CogError, of item: RunItem) throws {
    if let number = error.systemNumber, Self.unrelated.contains(number) {
      var error = error
      error.advice = Self.advice
      throw Lost(error: error)
    }
    let path = path(item)
    guard present.contains(item.video), !FileSystem.isThere(path) else { return }
    throw Lost(
      error: CogError(
        "the video was there when the work began, and is gone", code: .notFound, file: path,
        expected: "a folder of videos that stays where it is", advice: Self.advice))
  }
}
