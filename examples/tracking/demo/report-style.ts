/** The report's style sheet. The colours of the three modes can be told apart with any kind of colour vision. */
export const STYLE = `
:root {
  --page: #fbfbfa; --card: #fff; --edge: #e6e5e1; --ink: #1d1d1b; --soft: #6b6a66; --grid: #e4e3de;
  --both: #0b6fb8; --async: #c2571a; --process: #8a7fb0; --arrived: #efeeea; --mark: #a3a29c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #161617; --card: #1e1e20; --edge: #323236; --ink: #ececea; --soft: #9d9c98; --grid: #38383c;
    --both: #4fb0f2; --async: #ee8b4c; --process: #a99fd2; --arrived: #2a2a2d; --mark: #75746f;
  }
}
* { box-sizing: border-box; margin: 0; }
body { background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1160px; margin: 0 auto; padding: 48px 24px 40px; }
.name { color: var(--soft); font-size: 13px; letter-spacing: .04em; }
h1 { font-size: clamp(24px, 3.4vw, 36px); line-height: 1.2; font-weight: 650; letter-spacing: -.015em; max-width: 30em; margin: 6px 0 14px; text-wrap: balance; }
h1 em { font-style: normal; color: var(--both); }
.load { color: var(--soft); max-width: 52em; }
.legend { list-style: none; padding: 0; margin: 32px 0 14px; display: flex; flex-wrap: wrap; gap: 6px 28px; color: var(--soft); font-size: 14px; }
.legend b { color: var(--ink); font-weight: 600; margin-right: 2px; }
.legend i { display: inline-block; width: 22px; height: 0; border-top: 3px solid; border-radius: 2px; vertical-align: middle; margin-right: 9px; }
i.both { color: var(--both); } i.async { color: var(--async); } i.process { color: var(--process); }
.legend i.arrived { height: 12px; border: 0; background: var(--arrived); }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 16px; }
article { background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: 18px 18px 16px; }
h2 { font-size: 17px; font-weight: 650; }
h2 small { color: var(--soft); font-weight: 400; font-size: 14px; margin-left: 4px; font-variant-numeric: tabular-nums; }
h3 { font-size: 12.5px; font-weight: 500; color: var(--soft); margin: 8px 0 8px; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 11px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: var(--soft); font-variant-numeric: tabular-nums; }
.grid { stroke: var(--grid); stroke-width: 1; } .mark { stroke: var(--mark); stroke-width: 1; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.line.both { stroke: var(--both); stroke-width: 2.6; } .line.async { stroke: var(--async); } .line.process { stroke: var(--process); }
.arrived-area { fill: var(--arrived); }
.dot { stroke: var(--card); stroke-width: 1.6; }
.dot.both { fill: var(--both); } .dot.async { fill: var(--async); } .dot.process { fill: var(--process); }
.bar { display: grid; grid-template-columns: 9.4em 1fr 4em; align-items: center; gap: 10px; font-size: 13px; line-height: 22px; white-space: nowrap; }
.bar b { display: block; height: 10px; width: max(2px, var(--share)); border-radius: 2px; }
.bar b.both { background: var(--both); } .bar b.async { background: var(--async); } .bar b.process { background: var(--process); }
.value { text-align: right; font-variant-numeric: tabular-nums; }
table { width: 100%; border-collapse: collapse; margin-top: 36px; font-variant-numeric: tabular-nums; font-size: 14px; }
caption { text-align: left; color: var(--soft); font-size: 13px; padding-bottom: 8px; }
th, td { padding: 4px 10px; text-align: right; font-weight: 400; white-space: nowrap; }
th:first-child { text-align: left; padding-left: 0; } td:last-child, thead th:last-child { padding-right: 0; }
thead th { color: var(--soft); font-size: 13px; border-bottom: 1px solid var(--edge); }
.group th { font-weight: 650; padding-top: 14px; }
tbody i { display: inline-block; width: 9px; height: 9px; border-radius: 2px; background: currentColor; margin-right: 9px; }
tr.both td, tr.both th { font-weight: 600; }
footer { margin-top: 28px; padding-top: 14px; border-top: 1px solid var(--edge); color: var(--soft); font-size: 13px; }
code { font: 12.5px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
@media (max-width: 640px) { main { padding: 28px 16px; } table { font-size: 12.5px; } th, td { padding: 4px; } td:last-child, thead th:last-child { display: none; } }
@media print { body { background: #fff; } article { break-inside: avoid; } }
`;
