package import CogBase

/// What a file says about one tensor, before any of its bytes is read.
package struct TensorRecord: Equatable, Sendable {
  /// The name in the file.
  package let name: String
  /// The element type in the file.
  package let elementType: ElementType
  /// The shape in the file.
  package let shape: Shape
  /// The file that holds the bytes, as a path.
  package let file: String
  /// Where the first byte of the tensor's data lies in that file, or nil where they are compressed or not
  /// stored row by row.
  package let fileOffset: Int?
  /// Bytes that the elements take when stored contiguously.
  package let byteCount: Int

  /// A record of one tensor.
  package init(
    name: String, elementType: ElementType, shape: Shape, file: String, fileOffset: Int?, byteCount: Int
  ) {
    self.name = name
    self.elementType = elementType
    self.shape = shape
    self.file = file
    self.fileOffset = fileOffset
    self.byteCount = byteCount
  }
}

/// A tensor's elements where they lie, usually in a mapped file.
package struct TensorView: @unchecked Sendable {
  /// The element type.
  package let elementType: ElementType
  /// The shape.
  package let shape: Shape
  /// The elements in row-major order, contiguous; not necessarily aligned.
  package let bytes: UnsafeRawBufferPointer
  /// Keeps the memory behind `bytes` alive.
  package let owner: AnyObject

  /// A view of memory that `owner` keeps alive.
  package init(elementType: ElementType, shape: Shape, bytes: UnsafeRawBufferPointer, owner: AnyObject) {
    self.elementType = elementType
    self.shape = shape
    self.bytes = bytes
    self.owner = owner
  }
}

/// Anything that has named tensors in full precision: a checkpoint or a native file without quantized
/// tensors.
///
/// Names are unique; a source that finds a name twice does not open.
package protocol TensorSource: AnyObject, Sendable {
  /// The path that the user gave.
  var path: String { get }
  /// All tensors in the order in which they lie in the files, file by file.
  var records: [TensorRecord] { get }
  /// The files that hold the tensors, in order, as paths.
  var files: [String] { get }
  /// The elements of a tensor. Cheap: a mapped tensor is not read until it is used.
  ///
  /// - Throws: ``CogError`` when there is no such tensor or its bytes are damaged.
  func view(of name: String) throws -> TensorView
  /// The record of a tensor, or nil.
  func record(of name: String) -> TensorRecord?
  /// Says that a tensor's bytes will be read soon, or are not needed any more. A hint.
  func prefetch(_ name: String)
  /// Lets the memory behind a tensor's bytes go. A hint.
  func release(_ name: String)
}

extension TensorSource {
  /// The record of a tensor, or nil.
  package func record(of name: String) -> TensorRecord? { records.first { $0.name == name } }

  /// Does nothing by default.
  package func prefetch(_ name: String) {}

  /// Does nothing by default.
  package func release(_ name: String) {}

  /// The error for a name that the source does not have.
  package func missing(_ name: String) -> CogError {
    CogError("no such tensor", file: path, subject: name)
  }
}
