import CogReport
import Testing

@Suite struct NumberTextTests {
  @Test("Each form of a number looks as its comment says")
  func forms() {
    #expect(NumberText.scientific(1.234e-5) == "1.23e-05")
    #expect(NumberText.scientific(1.2344e-5, digits: 4) == "1.234e-05")
    #expect(NumberText.fixed(0.9999874, decimals: 6) == "0.999987")
    #expect(NumberText.general(12.5) == "12.5" && NumberText.general(1.25e-5) == "1.25e-05")
    #expect(NumberText.plain(0.00125) == "0.00125" && NumberText.plain(1250) == "1250")
    #expect(NumberText.plain(0) == "0.0" && NumberText.plain(.infinity) == "inf")
    #expect(NumberText.percent(0.98765) == "98.8 %")
    #expect(NumberText.clock(65) == "0:01:05" && NumberText.clock(36_065.25) == "10:01:05.25")
    #expect(NumberText.clock(0) == "0:00:00" && NumberText.clock(10.1) == "0:00:10.1")
    #expect(NumberText.timecode(65.25, mark: ",") == "00:01:05,250")
    #expect(NumberText.timecode(360_000.9996, mark: ".") == "100:00:01.000")
    #expect(NumberText.exact(0.1) == "0.1" && NumberText.exact(.nan) == "nan")
  }

  @Test(
    "Whole numbers have a comma after every three digits",
    arguments: [
      (0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567"),
      (Int.min, "-9,223,372,036,854,775,808"),
    ])
  func grouped(_ number: Int, _ text: String) { #expect(NumberText.grouped(number) == text) }
}
