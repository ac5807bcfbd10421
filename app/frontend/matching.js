// Shared by by_hand.js and channel.js: Eq. 1, and the plot of sorted values. Python prepends it to each of them.
// The arithmetic equals that of gnl_core.distribution_matching.match_distribution, as a test checks.

const SVG = "http://www.w3.org/2000/svg";
const KEPT = "gnl-matching-by-hand"; // per tab: the numbers persist when the user returns to the step
const MOVED = "gnl-strength-moved"; // notifies the real channel of a new strength
const HEIGHT = 170; // height of a plot, in its own units
const EDGE = 14;

// Positions from the smallest value to the largest; tied values keep their order, because sort is stable.
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

// A scale from values to heights; equal values are drawn as a line in the middle.
function heights(values) {
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  return (value) => HEIGHT - EDGE - ((value - low) / span) * (HEIGHT - 2 * EDGE);
}

const across = (index, count, width) => EDGE + ((width - 2 * EDGE) * (index + 0.5)) / count;

// Sorted numbers before and after matching, and the sorted reference.
function drawSorted(plot, values, matched, reference, width) {
  const series = { before: ascending(values), after: ascending(matched), reference: ascending(reference) };
  const height = heights(Object.values(series).flat());
  plot.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  plot.setAttribute("preserveAspectRatio", "none"); // stretched to its container; lines keep their width
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
