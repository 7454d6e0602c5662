/// Work that ended before its end and can go on: what ended it, and the note that is told behind that, as the
/// last line.
struct StoppedWork: Error {
  let cause: any Error
  let note: String
}
