import CogBase
import CogEvaluate

func questionSet(_ json: String, file: String = "questions.json") throws -> QuestionSet {
  try Array(json.utf8).withUnsafeBytes { try QuestionSet(json: $0, file: file) }
}

func question(_ answer: String, candidates: [String]? = nil, video: String = "v.mp4", task: String = "t")
  -> Question
{
  Question(video: video, task: task, question: "q", candidates: candidates, answer: answer)
}
