/** The report's style sheet. The colours of series can be told apart with any kind of colour vision; marks differ as well. */
export const STYLE = `
:root {
  --page: #fbfbfa; --card: #fff; --edge: #e6e5e1; --ink: #1d1d1b; --soft: #66655f; --grid: #e8e7e2;
  --s0: #0b6fb8; --s1: #c2571a; --s2: #7a6ba8; --s3: #2b8a3e; --s4: #b3306b; --s5: #6f6a1f; --s6: #3a7d83; --s7: #8a8882;
  --met: #23763a; --missed: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #161617; --card: #1e1e20; --edge: #323236; --ink: #ececea; --soft: #a3a29d; --grid: #333338;
    --s0: #4fb0f2; --s1: #ee8b4c; --s2: #b3a6e0; --s3: #63c17a; --s4: #ec79ac; --s5: #cfc66a; --s6: #72c3c9; --s7: #9b9a94;
    --met: #6fce88; --missed: #ff8a80;
  }
}
* { box-sizing: border-box; margin: 0; }
body { background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 40px 24px; }
h1 { font-size: 30px; letter-spacing: -.015em; line-height: 1.2; }
h2 { font-size: 21px; letter-spacing: -.01em; margin-bottom: 14px; }
h3 { font-size: 14px; font-weight: 600; margin-bottom: 6px; } h3 small { color: var(--soft); font-weight: 400; }
.soft { color: var(--soft); } header p { margin-top: 6px; }
.warning { color: var(--missed); }
nav { margin-top: 12px; } nav a { color: var(--s0); margin-right: 14px; }
section { margin-top: 44px; } .note { margin-top: 14px; max-width: 62em; font-size: 14px; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 16px; margin: 18px 0; }
article { background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: 16px; min-width: 0; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font: 11px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: var(--soft); font-variant-numeric: tabular-nums; }
svg text.label { fill: var(--ink); }
.grid { stroke: var(--grid); } .line { fill: none; stroke-width: 2; stroke-linejoin: round; } .dashed { stroke-dasharray: 5 4; }
.dot { fill-opacity: .55; } .median { stroke-width: 2.5; }
${Array.from({ length: 8 }, (_, i) => `.f${i} { fill: var(--s${i}); } .k${i} { stroke: var(--s${i}); } .b${i} { background: var(--s${i}); }`).join('\n')}
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 12.5px; margin-bottom: 6px; }
.legend i { display: inline-block; width: 16px; height: 3px; border-radius: 2px; vertical-align: middle; margin-right: 6px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin-top: 18px; font-variant-numeric: tabular-nums; font-size: 13.5px; min-width: 60%; }
caption { text-align: left; color: var(--soft); font-size: 13px; padding-bottom: 6px; }
th, td { padding: 3px 10px; text-align: right; font-weight: 400; white-space: nowrap; border-bottom: 1px solid var(--edge); }
th:first-child { text-align: left; padding-left: 0; } thead th { color: var(--soft); font-size: 12.5px; }
.bars td:nth-child(2) { white-space: normal; }
td.met { color: var(--met); } td.missed { color: var(--missed); font-weight: 650; } td.unknown { color: var(--soft); }
@media print { article { break-inside: avoid; } }
`;
