import CogBase
package import CogModel
import CogText

extension TokenizerText {
  /// A tokenizer of which only the compact form is left: its `tokenizer.json` is made anew.
  ///
  /// - Parameter file: the path of the file that holds it, for errors.
  package init(compact: [UInt8], file: String) {
    self.init(compact: compact) {
      try compact.withUnsafeBytes { try Tokenizer(encoded: $0, file: file) }.json()
    }
  }
}
