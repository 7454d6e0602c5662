extension FramesReport {
  /// The frames' numbers and times, and where they were written.
  ///
  /// - Parameter output: the folder.
  package func text(output: String) -> String {
    var table = TextTable([.number("index"), .number("seconds")])
    for (index, time) in zip(indices, times) { table.add(["\(index)", NumberText.exact(time)]) }
    return table.rendered() + "\n\(files.count) files written to \(output.printable)"
  }
}
