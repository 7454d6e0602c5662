/// What every chart has: a title, a sentence below it, a legend, and the drawing in two widths, for wide
/// screens and for phones.
struct Figure {
  struct Key {
    enum Sign: String {
      case line, limit, area
    }
    let name: String
    let sign: Sign
    /// 1 to 8.
    let color: Int
  }

  let title: String
  let caption: String?
  var keys: [Key] = []
  /// The drawing of a width in pixels.
  let drawing: (Double) throws -> Markup

  /// The widths of the two drawings.
  static let (wide, narrow) = (940.0, 380.0)

  func markup() throws -> Markup {
    try Self.template.render([
      "figureTitle": title, "caption": caption,
      "keys": keys.map {
        ["key": $0.name, "color": "\($0.color)", "isArea": $0.sign == .area, "sign": $0.sign.rawValue]
          as [String: Any]
      },
      "hasKeys": !keys.isEmpty, "wide": try drawing(Self.wide).html, "narrow": try drawing(Self.narrow).html,
    ])
  }

  /// The class number of the n-th series: there are eight colors, and a chart with more repeats them.
  static func color(_ index: Int) -> Int { index % 8 + 1 }

  private static let template = Template(
    """
    <figure>
    <figcaption><h3>{{figureTitle}}</h3>{{#caption}}<p>{{.}}</p>{{/caption}}</figcaption>
    {{#hasKeys}}<div class="legend">{{#keys}}<span><svg viewBox="0 0 22 12" aria-hidden="true">\
    {{#isArea}}<rect x="4" y="1" width="12" height="10" rx="2" class="f{{color}}"/>{{/isArea}}\
    {{^isArea}}<line x1="1" y1="6" x2="21" y2="6" class="{{sign}} c{{color}}"/>{{/isArea}}\
    </svg>{{key}}</span>{{/keys}}</div>{{/hasKeys}}
    <div class="chart wide">{{{wide}}}</div>
    <div class="chart narrow">{{{narrow}}}</div>
    </figure>
    """)
}
