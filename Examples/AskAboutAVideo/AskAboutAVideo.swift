import CogVLM
import Foundation

/// Quantizes a checkpoint and asks the model about a video: `AskAboutAVideo CHECKPOINT MODEL VIDEO QUESTION`.
@main
struct AskAboutAVideo {
  static func main() async {
    let words = CommandLine.arguments
    guard words.count == 5 else { return print("usage: AskAboutAVideo CHECKPOINT MODEL VIDEO QUESTION") }
    do {
      let result = try await Checkpoint(path: words[1]).quantize(to: words[2])
      print("\(result.tensors.count) tensors, \(result.byteCount) bytes")
      let model = try await Model(path: words[2])
      let video = try await model.encode(Video(path: words[3]))
      print("\(video.frames.count) frames")
      let conversation = try Conversation(with: model, about: video)
      for try await text in conversation.ask(words[4]) { print(text, terminator: "") }
      print()
    } catch {
      print("error: \(error)")
      exit(2)
    }
  }
}
