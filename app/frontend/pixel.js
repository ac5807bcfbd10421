// A map from which a pixel is chosen, by a click or the arrow keys; the values under the cursor follow it.

const SVG = "http://www.w3.org/2000/svg";
const REST_MS = 300; // after the last arrow key, before the server computes
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const STRIDE = 8; // pixels that an arrow key moves the mark with Shift
const timers = new WeakMap();

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// A white line with a dark edge, visible on any map.
function outline([y, x, height, width]) {
  return ["edge", "line"].map((kind) => shape("rect", { x, y, width, height, class: kind }));
}

function tell({ values, every }, [row, column]) {
  const parts = values.map((stage) => stage[Math.floor(row / every)]?.[Math.floor(column / every)] ?? 0);
  const sum = parts.reduce((one, other) => one + other, 0);
  return `row ${row + 1}, column ${column + 1}: ${sum.toFixed(3)} = ${parts.map((part) => part.toFixed(3)).join(" + ")}`;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const [svg, value] = ["map", "value"].map((part) => parentElement.querySelector(`[data-part="${part}"]`));
  const [height, width] = data.size;
  let chosen = data.pixel;

  const clamp = ([row, column]) => [Math.max(0, Math.min(height - 1, row)), Math.max(0, Math.min(width - 1, column))];
  const show = (pixel) => (value.textContent = tell(data, pixel));
  const draw = () => {
    const image = shape("image", { href: data.picture, width, height, preserveAspectRatio: "none" });
    const squares = chosen === data.pixel ? data.squares.flatMap(outline) : [];
    svg.replaceChildren(image, ...squares, ...outline([chosen[0], chosen[1], 1, 1]));
    svg.setAttribute("aria-label", `Anomaly map. Chosen: ${tell(data, chosen)}. Arrow keys move the pixel.`);
    show(chosen);
  };
  const choose = (pixel, wait) => {
    chosen = clamp(pixel);
    draw();
    clearTimeout(timers.get(parentElement));
    timers.set(parentElement, setTimeout(() => setTriggerValue("pixel", chosen), wait));
  };
  const under = (event) => {
    const box = svg.getBoundingClientRect();
    const [row, column] = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width];
    return clamp([Math.floor(row * height), Math.floor(column * width)]);
  };

  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.onpointermove = (event) => show(under(event));
  svg.onpointerleave = () => show(chosen);
  svg.onclick = (event) => choose(under(event), 0);
  svg.onkeydown = (event) => {
    if (!(event.key in MOVES)) return;
    event.preventDefault();
    const [down, right] = MOVES[event.key].map((step) => step * (event.shiftKey ? STRIDE : 1));
    choose([chosen[0] + down, chosen[1] + right], REST_MS);
  };
  draw();
}
