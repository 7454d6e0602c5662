import CogMedia

/// A task of MVBench and where its clips lie.
///
/// Source: `tasks/eval/mvbench/__init__.py` of PLLaVA for the layout of 2023, `lmms_eval/tasks/mvbench` of
/// lmms-eval for that of the branch `video`; the scores are those of CogVLM2-Video's model card.
struct MVBenchTask {
  let name: String
  let group: String
  /// The name of its list below `json`.
  let file: String
  /// Its folder below `video` as the benchmark was published.
  let folder: String
  /// Its folder where all clips are videos that were cut already.
  let cutFolder: String
  /// Whether its records say which part of the video they ask about.
  var isBounded = false
  /// Images in a second of its clips, which are folders of images; nil where they are videos.
  var imagesPerSecond: Double?
  /// Percent of right answers.
  let published: Double

  /// In the order of the benchmark.
  static let all: [MVBenchTask] = [
    .star("Action Sequence", "Action", "action_sequence", 79.5),
    .star("Action Prediction", "Action", "action_prediction", 65.5),
    MVBenchTask(
      name: "Action Antonym", group: "Action", file: "action_antonym.json", folder: "ssv2_video",
      cutFolder: "ssv2_video_mp4", published: 85.5),
    .plain("Fine-grained Action", "Action", "fine_grained_action", "Moments_in_Time_Raw/videos", 54),
    .plain("Unexpected Action", "Action", "unexpected_action", "FunQA_test/test", 68.5),
    .plain("Object Existence", "Object", "object_existence", "clevrer/video_validation", 91),
    .star("Object Interaction", "Object", "object_interaction", 78),
    .plain("Object Shuffle", "Object", "object_shuffle", "perception/videos", 36),
    .plain("Moving Direction", "Position", "moving_direction", "clevrer/video_validation", 48),
    MVBenchTask(
      name: "Action Localization", group: "Position", file: "action_localization.json",
      folder: "sta/sta_video", cutFolder: "sta/sta_video_segment", isBounded: true, published: 31.5),
    .plain("Scene Transition", "Scene", "scene_transition", "scene_qa/video", 91.5),
    .plain("Action Count", "Count", "action_count", "perception/videos", 41.5),
    .plain("Moving Count", "Count", "moving_count", "clevrer/video_validation", 73),
    .plain("Moving Attribute", "Attribute", "moving_attribute", "clevrer/video_validation", 91.5),
    .plain("State Change", "Attribute", "state_change", "perception/videos", 47),
    MVBenchTask(
      name: "Fine-grained Pose", group: "Pose", file: "fine_grained_pose.json", folder: "nturgbd",
      cutFolder: "nturgbd_convert", published: 57),
    .plain("Character Order", "Character", "character_order", "perception/videos", 58.5),
    .plain("Egocentric Navigation", "Cognition", "egocentric_navigation", "vlnqa", 28.5),
    MVBenchTask(
      name: "Episodic Reasoning", group: "Cognition", file: "episodic_reasoning.json",
      folder: "tvqa/frames_fps3_hq", cutFolder: "tvqa/video_fps3_hq_segment", isBounded: true,
      imagesPerSecond: 3, published: 42.5),
    .plain(
      "Counterfactual Inference", "Cognition", "counterfactual_inference", "clevrer/video_validation", 77),
  ]

  /// A task about parts of Charades' videos.
  private static func star(
    _ name: String, _ group: String, _ file: String, _ published: Double
  ) -> MVBenchTask {
    MVBenchTask(
      name: name, group: group, file: file + ".json", folder: "star/Charades_v1_480",
      cutFolder: "star/Charades_segment", isBounded: true, published: published)
  }

  /// A task about whole videos, which lie in the same folder in both layouts.
  private static func plain(
    _ name: String, _ group: String, _ file: String, _ folder: String, _ published: Double
  ) -> MVBenchTask {
    MVBenchTask(
      name: name, group: group, file: file + ".json", folder: folder, cutFolder: folder,
      published: published)
  }
}

extension Benchmark {
  /// MVBench: 20 tasks in nine groups, 200 questions each. The model's card states 62.3 %.
  package static let mvbench = Benchmark(
    name: "mvbench", rule: .pllava, frames: .uniform(FrameSampling.publishedMaximum),
    profile: "cogvlm2-mvbench",
    tasks: MVBenchTask.all.map { Task(name: $0.name, group: $0.group, published: $0.published / 100) },
    published: 0.623, open: { try .mvbench(path: $0, videoFolder: $1) })
}
