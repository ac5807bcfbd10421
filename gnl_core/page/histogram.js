// A histogram of scores as SVG: bars per label, a threshold, and bins that are selected by pointer or arrow keys.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 400;
const HEIGHT = 100;
const KINDS = new Map([[0, "normal"], [1, "anomalous"], [-1, "unlabelled"]]); // by label

function makeShape(name, attributes) {
  const shape = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
  return shape;
}

// `onSelect` gets the first and the last selected bin, or null.
function makeHistogram(bins, onSelect) {
  const svg = makeShape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", tabindex: 0, role: "application" });
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
  const parts = [];
  if (selected) {
    const [low, high] = selected;
    parts.push(makeShape("rect", { class: "selection", x: low * width, y: 0, width: (high - low + 1) * width, height: HEIGHT }));
  }
  [...KINDS.values()].forEach((kind, index) => {
    shares[index].forEach((share, bin) => {
      if (!share) return;
      const height = (share / top) * HEIGHT;
      parts.push(makeShape("rect", { class: `bar ${kind}`, x: bin * width + 0.5, y: HEIGHT - height, width: width - 1, height }));
    });
  });
  parts.push(makeShape("line", { class: "axis", x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT }));
  const place = ((threshold - edges[0]) / (edges[bins] - edges[0])) * WIDTH;
  if (place >= 0 && place <= WIDTH) parts.push(makeShape("line", { class: "threshold", x1: place, x2: place, y1: 0, y2: HEIGHT }));
  svg.replaceChildren(...parts);
  svg.setAttribute("aria-label", description);
}
