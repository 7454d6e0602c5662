/// Sees what goes into the linear layers of a model while it runs: what calibration counts.
///
/// The calls come from the thread that runs the pass, in the order of the layers.
package protocol InputObserver: Sendable {
  /// Takes the input of a layer before it is multiplied.
  ///
  /// - Parameters:
  ///   - input: `[tokens, columns]`; valid during the call, and not changed.
  ///   - name: the name of the layer's weight; of layers that share their input only the first one's.
  func observe(_ input: FloatMatrix, of name: String)
}
