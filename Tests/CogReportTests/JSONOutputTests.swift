import CogBase
import CogReport
import Testing

struct JSONOutputTests {
  struct Sample: Encodable {
    var path = "a/b \"é\""
    var count = Int.max
    var ratio = 0.1
    var small: Float = 0.1
    var list = [1, 2]
    var nothing: Int?
  }

  @Test("keys are sorted, slashes stay as they are, numbers keep their shortest spelling")
  func form() throws {
    #expect(
      try JSONOutput.encode(Sample()) == """
        {
          "count" : 9223372036854775807,
          "list" : [
            1,
            2
          ],
          "path" : "a/b \\"é\\"",
          "ratio" : 0.1,
          "small" : 0.1
        }
        """)
  }

  @Test("numbers without a JSON form become strings")
  func nonFinite() throws {
    let text = try JSONOutput.encode([Double.infinity, -Double.infinity, Double.nan])
    let parsed = try JSON.parse(Array(text.utf8), what: "output")
    #expect(parsed == .array([.string("inf"), .string("-inf"), .string("nan")]))
    let floats = try JSONOutput.encode(["x": Float.nan])
    #expect(try JSON.parse(Array(floats.utf8), what: "output")["x"] == .string("nan"))
  }

  @Test("a value that cannot be encoded is a CogError")
  func failure() {
    struct Bad: Encodable {
      func encode(to encoder: any Encoder) throws {
        throw EncodingError.invalidValue(1, .init(codingPath: [], debugDescription: "no"))
      }
    }
    #expect(throws: CogError.self) { try JSONOutput.encode(Bad()) }
  }
}
