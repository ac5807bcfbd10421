// Shared by by_hand.js and channel.js: the plot of sorted values. Python prepends Eq. 1 and this to each of them.

const SVG = "http://www.w3.org/2000/svg";
const KEPT = "gnl-matching-by-hand"; // per tab: the numbers persist when the user returns to the step
const MOVED = "gnl-strength-moved"; // notifies the real channel of a new strength
const HEIGHT = 170; // height of a plot, in its own units
const EDGE = 14;

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
