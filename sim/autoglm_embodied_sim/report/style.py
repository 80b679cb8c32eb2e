"""How the page looks, light and dark."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1c2126; --soft: #5b6670; --line: #d9dee3; --panel: #f5f7f9;
  --held: #2e7d32; --failed: #c62828; --first: #ef8f00; --strict: #6a5acd; --final: #1565c0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --ink: #e8ebee; --soft: #a3adb7; --line: #343b42; --panel: #1d2226;
    --held: #66bb6a; --failed: #ef6c62; --first: #ffb74d; --strict: #a99bff; --final: #64b5f6;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.8rem; margin: 0 0 .25rem; line-height: 1.2; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; border-bottom: 1px solid var(--line); padding-bottom: .25rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
.lead { color: var(--soft); margin: 0 0 1rem; max-width: 46rem; }
.note, caption, figcaption { color: var(--soft); font-size: .875rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; margin: .25rem 0 1rem; }
caption { text-align: left; padding-bottom: .4rem; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 500; white-space: nowrap; }
.numbers td, .numbers thead th + th { text-align: right; font-variant-numeric: tabular-nums; }
.numbers td { white-space: nowrap; }
.group { font-weight: 700; padding-top: .8rem; }
td.main { font-weight: 700; }
td.nothing { color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; font-size: .9rem; margin: .5rem 0; }
dt { font-weight: 600; } dd { margin: 0; color: var(--soft); overflow-wrap: anywhere; }
code { font: .85rem/1.5 ui-monospace, monospace; background: var(--panel); padding: .1rem .35rem; border-radius: 4px; }
code span { display: inline-block; max-width: 100%; }
svg { margin-bottom: 1rem; width: 100%; min-width: 640px; height: auto; display: block; font-size: 13px; }
svg text { fill: var(--ink); } svg .tick, svg .axis { fill: var(--soft); } svg .group { font-weight: 700; }
svg .grid { stroke: var(--line); } svg .zero { stroke: var(--soft); stroke-width: 1.5; }
svg .whisker { stroke-width: 2.2; } svg .quantile { stroke: var(--ink); stroke-width: 1.8; }
svg .first_descent { fill: var(--first); stroke: var(--first); }
svg .strict { fill: var(--strict); stroke: var(--strict); }
svg .final { fill: var(--final); stroke: var(--final); }
svg .held { fill: var(--held); } svg .failed { fill: var(--failed); } svg .mark { fill-opacity: .65; }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(400px, 1fr)); gap: 0 1.5rem; }
.pairs .note { margin: -.6rem 0 1rem; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(440px, 1fr)); gap: 1rem; }
figure { margin: 0; padding: .6rem; background: var(--panel); border: 1px solid var(--line); border-radius: 8px; }
figcaption b { color: var(--ink); }
.moments { display: grid; grid-template-columns: repeat(3, 1fr); gap: .3rem; }
.moments img { width: 100%; height: auto; border-radius: 4px; display: block; }
.moments span { font-size: .75rem; color: var(--soft); }
@media (max-width: 560px) { .gallery, .pairs { grid-template-columns: 1fr; } main { padding-inline: .75rem; } }
@media print { figure { break-inside: avoid; } }
"""
