// What by_hand.js and channel.js share: Eq. 1, and how sorted values are drawn. Python puts it before each of them.
// The arithmetic is that of gnl_core.distribution_matching.match_distribution; a test holds both equal.

const SVG = "http://www.w3.org/2000/svg";
const KEPT = "gnl-matching-by-hand"; // of this tab: the numbers stay when one comes back
const MOVED = "gnl-strength-moved"; // tells the real channel that the strength is another
const HEIGHT = 170; // of a plot, in its own units
const EDGE = 14;

// Positions from the smallest value to the largest; tied values in order of position, as sort is stable.
const rankPositions = (values) => [...values.keys()].sort((one, other) => values[one] - values[other]);
const ascending = (values) => [...values].sort((one, other) => one - other);

function match(values, reference, strength) {
  const target = ascending(reference);
  const matched = [...values];
  rankPositions(values).forEach((position, rank) => {
    matched[position] = values[position] + strength * (target[rank] - values[position]);
  });
  return matched;
}

function shape(name, attributes, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

// A scale from values to heights; a plot without spread has a line in its middle.
function heights(values) {
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  return (value) => HEIGHT - EDGE - ((value - low) / span) * (HEIGHT - 2 * EDGE);
}

const across = (index, count, width) => EDGE + ((width - 2 * EDGE) * (index + 0.5)) / count;

// Numbers in order of size before and after, with the reference's between which and the own ones they lie.
function drawSorted(plot, values, matched, reference, width) {
  const series = { before: ascending(values), after: ascending(matched), reference: ascending(reference) };
  const height = heights(Object.values(series).flat());
  plot.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  plot.setAttribute("preserveAspectRatio", "none"); // stretched to its place; lines keep their width
  plot.replaceChildren(
    ...Object.entries(series).map(([name, numbers]) => {
      const points = numbers.map((value, index) => `${across(index, numbers.length, width)},${height(value)}`);
      return shape("polyline", { points: points.join(" "), class: name });
    }),
  );
}

function readKept() {
  return JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
}
