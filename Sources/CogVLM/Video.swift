import CogEngine
import CogMedia

/// A video that a model is shown: a file in a format that FFmpeg reads, or a folder of images.
public struct Video: Equatable, Sendable {
  /// The file or folder.
  public let path: String
  /// How many images of a folder make a second; nil for a file, which has a rate of its own.
  public let imagesPerSecond: Double?

  /// Whether pictures that the decoder reports as damaged are shown; otherwise they refuse the video.
  public let toleratesDamage: Bool

  /// The video at a path. Nothing is opened yet.
  public init(path: String, imagesPerSecond: Double? = nil, toleratesDamage: Bool = false) {
    self.path = path
    self.imagesPerSecond = imagesPerSecond
    self.toleratesDamage = toleratesDamage
  }

  var input: VideoInput {
    VideoInput(path: path, imagesPerSecond: imagesPerSecond, toleratesDamage: toleratesDamage)
  }
}

/// Which frames of a video a model is shown.
public enum FrameSampling: Hashable, Sendable {
  /// The frame closest to each second, at most 24.
  case chat
  /// 24 frames spread evenly over the first minute.
  case base
  /// So many frames spread evenly over the whole video, from 1 to 1,024; the model has room for 30 at most.
  case uniform(Int)

  var sampling: CogMedia.FrameSampling {
    get throws {
      switch self {
      case .chat: .chat
      case .base: .base
      case .uniform(let count): try CogMedia.FrameSampling(named: "uniform:\(count)")
      }
    }
  }
}

/// What a model is given of a video: made once, asked about often.
public struct VideoFeatures: Sendable {
  /// A frame that the model is shown.
  public struct Frame: Equatable, Sendable {
    /// Its number in the video, from 0.
    public let index: Int
    /// Its start time in the video.
    public let seconds: Double
    /// What is wrong with the picture, where that was tolerated; nil where nothing is.
    public let damage: String?
  }

  /// The frames in the order in which the model is shown them.
  public let frames: [Frame]
  /// The form of the questions that they were chosen for.
  public let template: PromptTemplate
  let features: CogEngine.VideoFeatures
  let model: Model

  init(_ features: CogEngine.VideoFeatures, of model: Model, template: PromptTemplate) {
    self.features = features
    self.model = model
    self.template = template
    frames = features.frames.compactMap { frame in
      guard let index = frame.index, let seconds = frame.seconds else { return nil }
      return Frame(index: index, seconds: seconds, damage: frame.damage)
    }
  }
}
