import CogBase
import CogEvaluate
import CogTestSupport
import Foundation
import Testing

/// The words around questions.
struct PromptProfileTests {
  private let item = RunItem(
    dataset: "mvbench", video: "v", question: "Which {options}?", candidates: ["One {letter}.", "Two"],
    answer: "Two")

  @Test("the shipped profiles say what their sources say, to the byte")
  func shipped() throws {
    let system =
      "Carefully watch the video and pay attention to the cause and sequence of events, the detail and "
      + "movement of objects, and the action and pose of persons. Based on your observations, select the "
      + "best option that accurately addresses the question."
    let asked = "Question: Which {options}?\nOptions:\n(A) One {letter}.\n(B) Two"
    let expected = [
      "plain": "Which {options}?", "cogvlm2-mvbench": "\(system)\n \(asked)\nShort Answer:",
      "mvbench": "\(system)\n\(system)\n\(asked)\nOnly give the best option.\nBest option:(",
      "pllava-mvbench": "\(system)\n\(asked) \nOnly give the best option.\nBest option:(",
      "vlmevalkit-mvbench": "\(system)\n\(asked)\nOnly give the best option.Best option:(",
      "lmms-mvbench":
        "Question:Which {options}?\nOption:\n(A) One {letter}.\n(B) Two\nOnly give the best option.\n",
    ]
    for (name, prompt) in expected {
      let profile = try #require(try PromptProfile(named: name))
      #expect(try profile.prompt(for: item) == prompt, "\(name)")
    }
    let free = RunItem(dataset: "vcg", video: "v", question: "What happens?")
    for (name, words) in [("cogvlm2-vcg", "all the related aspects\n"), ("cogvlm2-videoqa", "discribe the")] {
      let profile = try #require(try PromptProfile(named: name))
      let prompt = try profile.prompt(for: free)
      #expect(prompt.contains(words) && prompt.hasSuffix("\n What happens?\nAnswer:"))
    }
  }

  @Test("each name finds a profile with a source and an identity of its own; plain is plain")
  func names() throws {
    let profiles = try PromptProfile.names.map { try #require(try PromptProfile(named: $0)) }
    #expect(
      profiles.map(\.name) == PromptProfile.names && Set(profiles.map(\.identity)).count == profiles.count)
    #expect(profiles.allSatisfy { !$0.source.isEmpty } && PromptProfile.plain.identity == "plain")
    #expect(try PromptProfile(named: "none") == nil)
  }

  @Test("what the prompt has said of the reply belongs to it")
  func beginning() throws {
    #expect(try PromptProfile(named: "pllava-mvbench")?.reply("A) One ") == "(A) One")
    #expect(try PromptProfile(named: "cogvlm2-mvbench")?.reply(" A") == "A")
  }

  @Test("a profile that lists options refuses questions without")
  func withoutOptions() throws {
    let profile = try #require(try PromptProfile(named: "lmms-mvbench"))
    let error = #expect(throws: CogError.self) {
      try profile.prompt(for: RunItem(dataset: "questions", video: "v", question: "Why?"))
    }
    #expect(error?.subject == "--prompt-profile lmms-mvbench")
  }

  @Test(
    "a file that is no profile is refused by what is wrong",
    arguments: [
      ("[]", "no object"), (#"{"name": "x", "source": "y"}"#, "text"),
      (#"{"name": "x", "source": "y", "text": "Hello"}"#, "does not ask"),
      (#"{"name": "x", "source": "y", "text": "{question}", "extra": "z"}"#, "extra"),
      (#"{"name": "x", "source": "y", "text": "{question} {options}"}"#, "option"),
      (#"{"name": "x", "source": "y", "text": "{question}", "option": "({letter})"}"#, "option"),
      (#"{"name": "", "source": "y", "text": "{question}"}"#, "name"), (#"{"name": 3}"#, "name"),
      ("{", "JSON"),
    ])
  func refused(json: String, words: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(json.utf8, as: "mine.json")
    let error = #expect(throws: CogError.self) { try PromptProfile(path: path) }
    #expect(error?.description.contains(words) == true && error?.file == path, "\(String(describing: error))")
    let good = try folder.write(
      #"{"name": "x", "source": "y", "text": "Look: {question} {x}"}"#.utf8, as: "good.json")
    #expect(try PromptProfile(path: good).prompt(for: item) == "Look: Which {options}? {x}")
  }
}
