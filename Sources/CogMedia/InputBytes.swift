import CLibAV
import CogBase
import Glibc

/// The bytes of one regular file as libavformat reads them: an `AVIOContext` over a file descriptor.
///
/// A mapped file would end the process with SIGBUS when another process truncates it; reads end with an
/// error.
final class InputBytes {
  /// What is handed to libavformat.
  let context: UnsafeMutablePointer<AVIOContext>
  private let source: FileSource

  /// Opens the file at `path`.
  ///
  /// - Throws: ``CogError`` when it cannot be opened, is not a regular file, or is empty.
  init(path: String, cancellation: any Cancellation) throws {
    let source = try FileSource(path: path, cancellation: cancellation)
    self.source = source
    let bufferSize: Int32 = 1 << 16
    let buffer = av_malloc(Int(bufferSize))
    let context = avio_alloc_context(
      buffer?.assumingMemoryBound(to: UInt8.self), bufferSize, 0, Unmanaged.passUnretained(source).toOpaque(),
      { opaque, target, count in
        guard let opaque, let target else { return libav_error_invalid_argument() }
        return Unmanaged<FileSource>.fromOpaque(opaque).takeUnretainedValue().read(into: target, count: count)
      },
      nil,
      { opaque, offset, whence in
        guard let opaque else { return Int64(libav_error_invalid_argument()) }
        return Unmanaged<FileSource>.fromOpaque(opaque).takeUnretainedValue().seek(to: offset, whence)
      })
    guard buffer != nil, let context else {
      av_free(buffer)
      throw LibAV.outOfMemory("a file buffer")
    }
    self.context = context
  }

  /// - Throws: ``CogError`` with what the system says when it has refused a read: what libav makes of the
  ///   bytes until there says nothing about the file.
  func requireRead() throws { try source.requireRead() }

  /// The first bytes of the file, at most `count`.
  func beginning(count: Int) -> [UInt8] { source.bytes(at: 0, count: count) }

  /// Whether the file has all the bytes that its container states; nil where the container does not say.
  var isWhole: Bool? { MatroskaExtent.isWhole(source) }

  deinit {
    // libavformat may have replaced the buffer by another one.
    av_free(context.pointee.buffer)
    var freed: UnsafeMutablePointer<AVIOContext>? = context
    avio_context_free(&freed)
  }
}

/// A read-only file with a position.
final class FileSource {
  /// Bytes of the file when it was opened.
  let size: Int64
  private let path: String
  private let descriptor: Int32
  /// What the system has refused to read with; 0 while it has not.
  private var failure: Int32 = 0
  private let cancellation: any Cancellation
  private var position: Int64 = 0

  init(path: String, cancellation: any Cancellation) throws {
    (self.path, self.cancellation) = (path, cancellation)
    descriptor = FileSystem.openForReading(path)
    guard descriptor >= 0 else { throw CogError.system("cannot open", file: path, code: errno) }
    var status = stat()
    let known = fstat(descriptor, &status) == 0
    size = Int64(status.st_size)
    // All properties are set: from here on an error runs `deinit`, which closes the file.
    guard known, status.st_mode & S_IFMT == S_IFREG else { throw CogError("not a regular file", file: path) }
    guard size > 0 else {
      throw CogError("the file is empty", file: path, advice: "Download it again.")
    }
  }

  deinit { close(descriptor) }

  /// - Throws: ``CogError`` with the error of a read that has failed.
  func requireRead() throws {
    guard failure == 0 else { throw CogError.system("cannot read", file: path, code: failure) }
  }

  /// The bytes at an offset, fewer than `count` where the file ends or cannot be read.
  func bytes(at offset: Int, count: Int) -> [UInt8] {
    guard offset >= 0, count > 0 else { return [] }
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = max(0, pread(descriptor, buffer.baseAddress, count, off_t(offset)))
    }
  }

  /// Bytes read, or a negative error of libav. libavformat gets no Swift error through: its caller asks the
  /// cancellation again.
  func read(into target: UnsafeMutablePointer<UInt8>, count: Int32) -> Int32 {
    do { try cancellation.check() } catch { return libav_error_exit() }
    guard count > 0 else { return 0 }
    while true {
      let done = pread(descriptor, target, Int(count), off_t(position))
      if done > 0 {
        position += Int64(done)
        return Int32(done)
      }
      if done == 0 { return libav_error_end_of_file() }
      guard errno == EINTR else {
        failure = errno
        return libav_error_input_output()
      }
    }
  }

  /// The new position (or the size, when that is asked for), or a negative error of libav.
  func seek(to offset: Int64, _ whence: Int32) -> Int64 {
    let base: Int64
    switch whence & ~AVSEEK_FORCE {
    case AVSEEK_SIZE: return size
    case SEEK_SET: base = 0
    case SEEK_CUR: base = position
    case SEEK_END: base = size
    default: return Int64(libav_error_invalid_argument())
    }
    let (target, overflow) = base.addingReportingOverflow(offset)
    guard !overflow, target >= 0 else { return Int64(libav_error_invalid_argument()) }
    position = target
    return target
  }
}
