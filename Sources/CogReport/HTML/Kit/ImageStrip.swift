import Foundation

/// Pictures side by side, such as the frames that a model saw, with a line below each.
package struct ImageStrip: PagePart {
  /// One picture.
  package struct Picture: Sendable {
    /// The bytes of a PNG file.
    package let png: [UInt8]
    /// Pixels from left to right.
    package let width: Int
    /// Pixels from top to bottom.
    package let height: Int
    /// What stands below, such as "frame 25, 1.00 s".
    package let label: String

    /// One picture.
    package init(png: [UInt8], width: Int, height: Int, label: String) {
      self.png = png
      self.width = width
      self.height = height
      self.label = label
    }
  }

  let title: String
  let caption: String?
  let pictures: [Picture]

  /// Pictures in the order given.
  package init(title: String, caption: String? = nil, pictures: [Picture]) {
    self.title = title
    self.caption = caption
    self.pictures = pictures
  }

  /// The strip as HTML, the pictures in it.
  package func markup() throws -> Markup {
    try Self.template.render([
      "figureTitle": title, "caption": caption,
      "pictures": pictures.map {
        [
          "data": Data($0.png).base64EncodedString(), "w": "\($0.width)", "h": "\($0.height)",
          "text": $0.label,
        ]
      },
    ])
  }

  private static let template = Template(
    """
    <figure>
    <figcaption><h3>{{figureTitle}}</h3>{{#caption}}<p>{{.}}</p>{{/caption}}</figcaption>
    <div class="frames">
    {{#pictures}}<div><img src="data:image/png;base64,{{{data}}}" width="{{w}}" height="{{h}}" \
    alt="{{text}}">{{text}}</div>
    {{/pictures}}
    </div>
    </figure>
    """)
}
