// A histogram of scores as SVG: bars per label, a threshold, and bins that are selected by pointer or arrow keys.
// Explore and the files without a server share it.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 400;
const HEIGHT = 100;
const MOST_TICKS = 6;
const KINDS = new Map([[0, "normal"], [1, "anomalous"], [-1, "unlabelled"]]); // by label

function makeShape(name, attributes) {
  const shape = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
  return shape;
}

// Stripes for the bars of a shifted domain; every histogram has its own, so that one can be removed.
let patterns = 0;

function makeStripes() {
  patterns += 1;
  const stripes = [...KINDS.values()].map((kind) => {
    const pattern = makeShape("pattern", { id: `stripes-${patterns}-${kind}`, width: 5, height: 5, patternUnits: "userSpaceOnUse" });
    pattern.append(
      makeShape("rect", { class: `ground ${kind}`, width: 5, height: 5 }),
      makeShape("path", { class: `stripe ${kind}`, d: "M-1,1 l2,-2 M0,5 l5,-5 M4,6 l2,-2" }),
    );
    return pattern;
  });
  const defs = makeShape("defs", {});
  defs.append(...stripes);
  return defs;
}

// `onSelect` gets the first and the last selected bin, or null. Bars of a shifted domain are hatched.
function makeHistogram(bins, onSelect, { shifted = false } = {}) {
  const svg = makeShape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", tabindex: 0, role: "application" });
  if (shifted) svg.append(makeStripes());
  let first = null;
  let chosen = null;
  const select = (low, high) => {
    chosen = low === null ? null : [Math.min(low, high), Math.max(low, high)];
    onSelect(chosen);
  };
  const binAt = (event) => {
    const box = svg.getBoundingClientRect();
    return Math.max(0, Math.min(bins - 1, Math.floor(((event.clientX - box.left) / box.width) * bins)));
  };
  svg.addEventListener("pointerdown", (event) => {
    first = binAt(event);
    svg.setPointerCapture(event.pointerId);
    select(first, first);
  });
  svg.addEventListener("pointermove", (event) => {
    if (first !== null) select(first, binAt(event));
  });
  for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, () => (first = null));
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") select(null, null);
    else if (step) {
      event.preventDefault();
      const [low, high] = chosen ?? [bins >> 1, bins >> 1];
      const next = Math.max(0, Math.min(bins - 1, (step < 0 ? low : high) + (chosen ? step : 0)));
      if (event.shiftKey && chosen) select(step < 0 ? next : low, step < 0 ? high : next);
      else select(next, next);
    }
  });
  return svg;
}

// Draw bars and threshold; `shares` has one array per kind, `top` is the height of the panel as a share.
function drawHistogram(svg, { edges, shares, top, threshold, selected, description }) {
  const bins = edges.length - 1;
  const width = WIDTH / bins;
  const stripes = svg.querySelector("defs");
  const parts = stripes ? [stripes] : [];
  if (selected) {
    const [low, high] = selected;
    parts.push(makeShape("rect", { class: "selection", x: low * width, y: 0, width: (high - low + 1) * width, height: HEIGHT }));
  }
  [...KINDS.values()].forEach((kind, index) => {
    shares[index].forEach((share, bin) => {
      if (!share) return;
      const height = (share / top) * HEIGHT;
      const place = { x: bin * width + 0.5, y: HEIGHT - height, width: width - 1, height };
      const bar = makeShape("rect", { class: `bar ${kind}`, ...place });
      if (stripes) {
        bar.classList.add("hatched");
        bar.style.fill = `url(#${stripes.children[index].id})`;
      }
      parts.push(bar);
    });
  });
  parts.push(makeShape("line", { class: "axis", x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT }));
  const place = ((threshold - edges[0]) / (edges[bins] - edges[0])) * WIDTH;
  if (place >= 0 && place <= WIDTH) parts.push(makeShape("line", { class: "threshold", x1: place, x2: place, y1: 0, y2: HEIGHT }));
  svg.replaceChildren(...parts);
  svg.setAttribute("aria-label", description);
}

// Round values between the ends of an axis, at most MOST_TICKS, with the decimals that tell them apart.
function tickValues(low, high) {
  const power = 10 ** Math.floor(Math.log10((high - low) / MOST_TICKS));
  const step = power * [1, 2, 5, 10].find((factor) => (high - low) / (factor * power) <= MOST_TICKS);
  const decimals = Math.max(0, -Math.floor(Math.log10(step)));
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: count }, (_, index) => ((first + index) * step).toFixed(decimals));
}

function drawTicks(row, edges) {
  const [low, high] = [edges[0], edges.at(-1)];
  const ticks = tickValues(low, high).map((text) => {
    const tick = document.createElement("span");
    tick.textContent = text;
    tick.style.left = `${(100 * (Number(text) - low)) / (high - low)}%`;
    return tick;
  });
  row.replaceChildren(...ticks);
}

// A histogram with its title and AUROC above, and the axis, errors and counts below.
function makePanel(bins, onSelect, options) {
  const panel = document.createElement("div");
  panel.className = "panel";
  panel.innerHTML = '<p><span></span><span><b></b> <small></small></span></p><div class="ticks" aria-hidden="true"></div><p class="below"><span></span><span></span></p>';
  const svg = makeHistogram(bins, onSelect, options);
  panel.insertBefore(svg, panel.children[1]);
  return { panel, svg };
}

function drawPanel({ panel, svg }, { title, auroc, interval = "", errors, count, ...histogram }) {
  panel.querySelector("p span").textContent = title;
  panel.querySelector("b").textContent = auroc;
  panel.querySelector("small").textContent = interval;
  const [left, right] = panel.querySelector(".below").children;
  left.textContent = errors;
  right.textContent = count;
  drawTicks(panel.querySelector(".ticks"), histogram.edges);
  drawHistogram(svg, histogram);
}
