import CogBase
import CogModel
import Foundation
import Testing

@Suite("Prompt templates")
struct PromptTemplateTests {
  @Test("a template is found by its name, and another name is an error that lists them and names the field")
  func names() throws {
    for template in PromptTemplate.allCases {
      #expect(try PromptTemplate(named: template.rawValue) == template)
    }
    let error = #expect(throws: CogError.self) {
      try PromptTemplate(named: "Chat", subject: "template_version")
    }
    #expect(error?.expected == "chat, vqa, base")
    #expect(error?.found == "Chat")
    #expect(error?.subject == "template_version")
  }

  @Test("only chat numbers its frames")
  func numbers() {
    #expect(PromptTemplate.allCases.filter(\.numbersFrames) == [.chat])
  }

  @Test("in JSON a template is its name")
  func json() throws {
    #expect(String(decoding: try JSONEncoder().encode([PromptTemplate.vqa]), as: UTF8.self) == #"["vqa"]"#)
  }
}
