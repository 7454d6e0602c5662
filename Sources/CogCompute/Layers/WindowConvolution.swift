package import CogBase

/// `torch.nn.Conv2d` whose stride is its kernel, without padding: the windows do not overlap, and each is one
/// row of a linear layer's input.
package struct WindowConvolution: Sendable {
  /// Channels of the input.
  package let channels: Int
  /// Rows of the input that a window covers.
  package let height: Int
  /// Columns of the input that a window covers.
  package let width: Int
  private let linear: Linear

  /// Channels of the output.
  package var outputChannels: Int { linear.rows }

  /// A convolution.
  ///
  /// - Parameters:
  ///   - weight: `[output channels, channels * height * width]`.
  ///   - shape: the weight's shape as PyTorch has it: `[output channels, channels, height, width]`.
  /// - Throws: ``CogError`` when the shape is another, or does not belong to the weight or the bias.
  package init(_ weight: WeightMatrix, shape: Shape, bias: [Float]?, compute: Compute) throws {
    guard shape.rank == 4, shape.rows == weight.rows, shape.columns == weight.columns else {
      throw CogError(
        "a convolution's weight has another shape",
        expected: "[outputs, channels, height, width] of [\(weight.rows), \(weight.columns)]",
        found: shape.description)
    }
    channels = shape.dimensions[1]
    height = shape.dimensions[2]
    width = shape.dimensions[3]
    linear = try Linear(weight, bias: bias, compute: compute)
  }

  /// Convolves images whose channels are planes.
  ///
  /// - Parameters:
  ///   - images: `[images, channels * rows * columns]`; rounded to bfloat16 in that mode.
  ///   - rows: rows of an image.
  ///   - columns: columns of an image.
  /// - Returns: `[images * windows, output channels]`, the windows of an image row by row.
  package func callAsFunction(planes images: FloatMatrix, rows: Int, columns: Int) -> FloatMatrix {
    precondition(images.columns == channels * rows * columns, "a plane for each channel")
    let (down, across) = (rows / height, columns / width)
    let windows = FloatMatrix(
      uninitializedRows: images.rows * down * across, columns: channels * height * width)
    linear.compute.threads.parallelFor(windows.rows) { index in
      let (image, window) = index.quotientAndRemainder(dividingBy: down * across)
      let corner = window / across * height * columns + window % across * width
      let source = images.row(image)
      let target = windows.row(index)
      for line in 0..<channels * height {
        let (channel, y) = line.quotientAndRemainder(dividingBy: height)
        let first = corner + (channel * rows + y) * columns
        target.copy(source, from: first, to: line * width, count: width)
      }
    }
    linear.compute.round(windows)
    return linear(windows)
  }

  /// Convolves grids of positions whose columns are channels.
  ///
  /// - Parameters:
  ///   - grids: one `[rows * columns, channels]` for each image, row by row.
  ///   - columns: positions in a row of a grid.
  /// - Returns: `[images * windows, output channels]`, the windows of an image row by row.
  package func callAsFunction(grids: [FloatMatrix], columns: Int) -> FloatMatrix {
    let (positions, across) = (grids.first?.rows ?? 0, columns / width)
    precondition(grids.allSatisfy { $0.columns == channels && $0.rows == positions }, "grids of one shape")
    let count = positions / columns / height * across
    let windows = FloatMatrix(
      uninitializedRows: grids.count * count, columns: channels * height * width)
    linear.compute.threads.parallelFor(windows.rows) { index in
      let (image, window) = index.quotientAndRemainder(dividingBy: count)
      let corner = window / across * height * columns + window % across * width
      let target = windows.row(index)
      for place in 0..<height * width {
        let source = grids[image].row(corner + place / width * columns + place % width)
        for channel in 0..<channels { target[channel * height * width + place] = source[channel] }
      }
    }
    return linear(windows)
  }
}

extension UnsafeMutableBufferPointer<Float> {
  /// Copies `count` elements of another buffer.
  fileprivate func copy(_ source: Self, from first: Int, to place: Int, count: Int) {
    let target = Self(rebasing: self[place..<place + count])
    _ = target.update(fromContentsOf: source[first..<first + count])
  }
}
