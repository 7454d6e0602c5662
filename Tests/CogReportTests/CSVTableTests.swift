import CogReport
import Testing

struct CSVTableTests {
  @Test("cells with commas, quotes and line ends are quoted, others are not")
  func quoting() {
    var table = CSVTable(["name", "shape", "value"])
    table.add(["a", "[2, 3]", "-1.5e-05"])
    table.add(["say \"so\"", "x\ny", "inf"])
    let lines = [
      "name,shape,value", #"a,"[2, 3]",-1.5e-05"#, #""say ""so""","x"#, #"y",inf"#,
    ]
    #expect(table.rendered() == lines.joined(separator: "\n"))
  }

  @Test("every row has as many cells as there are titles")
  func ragged() {
    var table = CSVTable(["a", "b"])
    table.add([])
    table.add(["1", "2", "3"])
    #expect(table.rendered() == "a,b\n,\n1,2")
  }

  @Test("a name that a spreadsheet would run as a formula is text")
  func formulas() {
    var table = CSVTable(["a", "b", "c"])
    table.add(["=1+1", "-inf", "-3"])
    #expect(table.rendered() == "a,b,c\n\" =1+1\",-inf,-3")
  }
}
