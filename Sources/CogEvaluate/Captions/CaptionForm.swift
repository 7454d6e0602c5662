/// A form in which programs that train video models read captions (`Formats/run.md`, "Exports").
package enum CaptionForm: String, CaseIterable, Sendable {
  /// A text beside each video, of the same name.
  case sidecar
  /// `prompts.txt` and `videos.txt`, line by line.
  case prompts
  /// `metadata.csv`.
  case csv
  /// `metadata.jsonl`.
  case jsonl
  /// `metadata.json` of VideoX-Fun and EasyAnimate.
  case videoxFun = "videox-fun"
  /// `labels/NAME.txt` for `videos/NAME.mp4`, of CogVideo's SAT code.
  case sat
  /// `seconds.jsonl`: of each video a dictionary from second to caption.
  case seconds

  /// Whether each video has a text of its own.
  var hasTexts: Bool { [.sidecar, .sat].contains(self) }

  /// Whether its files have paths of videos, which programs follow.
  var namesVideos: Bool { [.prompts, .csv, .jsonl, .videoxFun].contains(self) }

  /// Whether the form can say which piece of a video a caption is of.
  var takesPieces: Bool { [.sidecar, .csv, .jsonl, .seconds].contains(self) }
}
