/// The style sheet of all pages. Colors are variables, once for light and once for dark; series colors are
/// told apart by people with color-deficient sight too, and a state is never told by its color alone.
enum PageStyle {
  static let css = variables + layout + charts

  private static let variables = """
    :root {
      color-scheme: light dark;
      --page: #f6f6f3; --surface: #fdfdfc; --ink: #14140f; --ink2: #52514e; --muted: #75736e; --grid: #e4e3dc;
      --line: #c6c5bc; --band: #f1f0ea; --good: #0a7d0a; --goodfill: #e3f4e1; --warn: #8a5a00;
      --warnfill: #fdf0d2; --bad: #c22424; --badfill: #fde6e4; --focus: #2a78d6;
      --s1: #2a78d6; --s2: #d95926; --s3: #178f68; --s4: #8a5cc7; --s5: #b98000; --s6: #c9447f; --s7: #4f7a1c;
      --s8: #6b6a66;
      --h0: #eef4fc; --h1: #d9e8fa; --h2: #c2daf7; --h3: #a6c8f2; --h4: #86b4ec; --h5: #659de3; --h6: #4686d6;
      --h7: #2d6fc2; --h8: #1f58a3; --h9: #164480; --h10: #0e315e; --h11: #071f3f;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --page: #121211; --surface: #1b1b19; --ink: #f4f3ee; --ink2: #c3c2b7; --muted: #98968f;
        --grid: #2d2d2a;
        --line: #46453f; --band: #23231f; --good: #5cc85c; --goodfill: #15301a; --warn: #f0bd4f;
        --warnfill: #33290f; --bad: #ff7b72; --badfill: #3d1a19; --focus: #6aa8f0;
        --s1: #5b9ff0; --s2: #f0824f; --s3: #35bf90; --s4: #b08ef0; --s5: #dba52f; --s6: #ee7fae;
        --s7: #93c152; --s8: #a5a39b;
        --h0: #101c2b; --h1: #12263f; --h2: #153154; --h3: #1a3f6d; --h4: #204f88; --h5: #2961a5;
        --h6: #3875c2; --h7: #508cd8; --h8: #70a4e6; --h9: #95bdf0; --h10: #bcd6f7; --h11: #e4effc;
      }
    }

    """

  private static let layout = """
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; }
    body { margin: 0 auto; padding: 1.2rem clamp(.7rem, 3vw, 2rem) 3rem; max-width: 70rem;
      background: var(--page);
      color: var(--ink);
      font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
    h1 { font-size: 1.5rem; line-height: 1.2; margin: 0 0 .2rem; }
    h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; overflow-wrap: anywhere; }
    h3 { font-size: 1rem; margin: 0; }
    p { margin: .4rem 0; max-width: 48rem; overflow-wrap: anywhere; }
    .subtitle, figcaption p, .note, footer { color: var(--ink2); }
    .subtitle { overflow-wrap: anywhere; }
    nav { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin-top: .6rem; }
    a { color: var(--focus); }
    footer { margin-top: 3rem; font-size: .85rem; }
    code, .code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
      font-size: .92em; }
    .verdict { border: 1px solid var(--line); border-left-width: .5rem; border-radius: .4rem;
      padding: .7rem 1rem; margin: 1rem 0; background: var(--surface); overflow-wrap: anywhere; }
    .verdict strong { font-size: 1.1rem; }
    .verdict p { margin: .2rem 0 0; color: var(--ink); }
    .verdict.passed { border-color: var(--good); background: var(--goodfill); }
    .verdict.passed strong { color: var(--good); }
    .verdict.warning { border-color: var(--warn); background: var(--warnfill); }
    .verdict.warning strong { color: var(--warn); }
    .verdict.failed { border-color: var(--bad); background: var(--badfill); }
    .verdict.failed strong { color: var(--bad); }
    dl.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(13rem, 100%), 1fr));
      gap: .6rem 1.2rem; margin: .8rem 0; }
    dl.facts dt { color: var(--ink2); font-size: .85rem; }
    dl.facts dd { margin: 0; overflow-wrap: anywhere; }
    .columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr));
      gap: 0 1rem; }
    figure, .table { background: var(--surface); border: 1px solid var(--grid); border-radius: .4rem;
      margin: .8rem 0; padding: .8rem; min-width: 0; }
    figcaption { margin-bottom: .4rem; }
    figcaption p { margin: .1rem 0 0; font-size: .9rem; }
    .scroll { overflow: auto; }
    .table .scroll { max-height: 40rem; }
    .table .tools { display: flex; flex-wrap: wrap; gap: .3rem .8rem; align-items: center; margin: .4rem 0;
      font-size: .9rem; }
    .table .tools[hidden] { display: none; }
    input[type=search] { font: inherit; font-size: 16px; padding: .2rem .5rem; width: min(20rem, 100%);
      color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: .3rem; }
    .count { color: var(--ink2); }
    table { border-collapse: collapse; width: 100%; font-size: .88rem; }
    th, td { padding: .22rem .55rem; text-align: left; white-space: nowrap;
      border-bottom: 1px solid var(--grid); vertical-align: top; }
    th { position: sticky; top: 0; background: var(--surface); color: var(--ink2); font-weight: 600;
      z-index: 1; }
    th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
    td.wrap { white-space: normal; min-width: 14rem; overflow-wrap: anywhere; }
    th button { all: unset; cursor: pointer; }
    th button:focus-visible, a:focus-visible, input:focus-visible { outline: 2px solid var(--focus);
      outline-offset: 2px; }
    th[aria-sort=ascending] button::after { content: " \\2191"; }
    th[aria-sort=descending] button::after { content: " \\2193"; }
    tr.fault td { background: var(--badfill); }
    tr.fault td:first-child { box-shadow: inset .3rem 0 var(--bad); }
    td.failed { color: var(--bad); font-weight: 600; }
    td.warning { color: var(--warn); }
    td.passed { color: var(--good); }
    td.muted { color: var(--muted); }
    .frames { display: grid; grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); gap: .5rem; }
    .frames div { font-size: .8rem; color: var(--ink2); text-align: center; line-height: 1.3; }
    .frames img { display: block; width: 100%; height: auto; border: 1px solid var(--grid);
      border-radius: .2rem; background: var(--band); }
    .tokens { display: flex; flex-wrap: wrap; gap: .4rem .3rem; margin: .4rem 0; padding: 0;
      list-style: none; }
    .tokens li { border: 1px solid var(--line); border-radius: .3rem; padding: .15rem .4rem;
      min-width: 3.4rem; text-align: center; line-height: 1.3; max-width: 100%; overflow-wrap: anywhere; }
    .tokens .text { white-space: pre-wrap; font-size: .95rem; }
    .tokens .small { display: block; font-size: .75rem; color: var(--ink2); }
    .tokens li.excused { border-color: var(--warn); background: var(--warnfill); }
    .tokens li.mismatch { border-color: var(--bad); background: var(--badfill); }
    .tokens li.mismatch .state { color: var(--bad); }
    .tokens li.excused .state { color: var(--warn); }
    .tokens li.first { border-left-width: .3rem; }

    """

  private static let charts = """
    .legend { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; font-size: .85rem; color: var(--ink2);
      margin: .2rem 0; }
    .legend span { display: inline-flex; align-items: center; gap: .35rem; }
    .legend svg { width: 22px; height: 12px; flex: none; }
    .chart svg { display: block; width: 100%; height: auto; }
    .chart.narrow { display: none; }
    @media (max-width: 34rem) {
      .chart.wide { display: none; }
      .chart.narrow { display: block; }
      body { font-size: 16px; }
    }
    .columns .chart.wide { display: none; }
    .columns .chart.narrow { display: block; }
    svg text { font: 11px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
      fill: var(--ink2); }
    svg text.strong { fill: var(--ink); font-weight: 600; }
    svg text.fault { fill: var(--bad); font-weight: 700; font-size: 12px; }
    svg .gridline { stroke: var(--grid); stroke-width: 1; }
    svg .axis { stroke: var(--line); stroke-width: 1; }
    svg .band { fill: var(--band); }
    svg .faultband { fill: var(--bad); opacity: .18; }
    svg .faultline { stroke: var(--bad); stroke-width: 1.5; }
    svg .hit { fill: transparent; }
    svg .hit:hover { fill: var(--ink); fill-opacity: .08; }
    svg .gap { fill: none; stroke: var(--line); stroke-dasharray: 2 2; }
    svg .faultbox { fill: none; stroke: var(--bad); stroke-width: 2; }
    .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
    .limit { fill: none; stroke-width: 1.4; stroke-dasharray: 5 3; }
    .line.c1, .limit.c1, .open.c1, .cross.c1 { stroke: var(--s1); }
    .line.c2, .limit.c2, .open.c2, .cross.c2 { stroke: var(--s2); }
    .line.c3, .limit.c3, .open.c3, .cross.c3 { stroke: var(--s3); }
    .line.c4, .limit.c4, .open.c4, .cross.c4 { stroke: var(--s4); }
    .line.c5, .limit.c5, .open.c5, .cross.c5 { stroke: var(--s5); }
    .line.c6, .limit.c6, .open.c6, .cross.c6 { stroke: var(--s6); }
    .line.c7, .limit.c7, .open.c7, .cross.c7 { stroke: var(--s7); }
    .line.c8, .limit.c8, .open.c8, .cross.c8 { stroke: var(--s8); }
    .open { fill: var(--surface); stroke-width: 1.4; }
    .cross { fill: none; stroke-width: 2.2; }
    .f1 { fill: var(--s1); } .f2 { fill: var(--s2); } .f3 { fill: var(--s3); } .f4 { fill: var(--s4); }
    .f5 { fill: var(--s5); } .f6 { fill: var(--s6); } .f7 { fill: var(--s7); } .f8 { fill: var(--s8); }
    .h0 { fill: var(--h0); } .h1 { fill: var(--h1); } .h2 { fill: var(--h2); } .h3 { fill: var(--h3); }
    .h4 { fill: var(--h4); } .h5 { fill: var(--h5); } .h6 { fill: var(--h6); } .h7 { fill: var(--h7); }
    .h8 { fill: var(--h8); } .h9 { fill: var(--h9); } .h10 { fill: var(--h10); } .h11 { fill: var(--h11); }
    .hbad { fill: var(--bad); }
    .tick { stroke: var(--ink); stroke-width: 1.2; }
    @media print { .table .scroll { max-height: none; } figure, .table { break-inside: avoid; } }

    """
}
