// A training that moves with a slider over its epochs. Python prepends the histogram of the pages in a file.

const PAUSE_MS = 700; // between two epochs while it plays
const PLOT = { width: 300, height: 200, left: 34, right: 8, top: 10, bottom: 24 };
const shownEpochs = new WeakMap(); // by component: the epoch stays when another image is chosen

const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

const text = (words, attributes) => Object.assign(makeShape("text", attributes), { textContent: words });

function makeTile(name, source, alternative) {
  const picture = element("img", { src: source, alt: alternative });
  return element("figure", {}, picture, element("figcaption", { textContent: name }));
}

// A row of four pictures; the function that is returned shows those of an epoch.
function makeImage(place, image) {
  const tiles = ["Image", "Teacher", "Student", "Anomaly map"].map((name, index) =>
    makeTile(name, [image.image, image.teacher, image.students[0], image.maps[0]][index], `${name}: ${image.name}`),
  );
  const label = element("b", { className: image.label, textContent: image.label });
  const caption = element("span");
  place.append(element("div", { className: "row" }, ...tiles, element("p", {}, `${image.name}, `, label, ": ", caption)));
  const [student, map] = tiles.slice(2).map((tile) => tile.firstChild);
  return (epoch) => {
    student.src = image.students[epoch];
    map.src = image.maps[epoch];
    caption.textContent = image.captions[epoch];
  };
}

function makeScores(place, panel) {
  const svg = makeShape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" });
  const [note, interval, below] = [element("b"), element("small"), element("p", { className: "below" })];
  const title = element("p", { textContent: panel.title });
  const lines = [title, element("p", {}, note, " ", interval), svg, below];
  place.append(element("div", { className: panel.shifted ? "panel shifted" : "panel" }, ...lines));
  return (epoch) => {
    const shown = panel.epochs[epoch];
    note.textContent = shown.note;
    interval.textContent = shown.interval;
    below.textContent = shown.footnote;
    drawHistogram(svg, {
      edges: panel.edges,
      shares: [...shown.shares, []],
      top: panel.top,
      threshold: shown.threshold,
      description: `Scores ${panel.title}: ${shown.note}, ${shown.footnote}`,
    });
  };
}

function makePlane(svg, plane, told) {
  const points = plane.labels.map((label, index) =>
    makeShape("circle", { r: 2.2, class: plane.shifted[index] ? `${label} shifted` : label }),
  );
  svg.replaceChildren(...points);
  return (epoch) => {
    plane.epochs[epoch].forEach(([x, y], index) => {
      points[index].setAttribute("cx", x);
      points[index].setAttribute("cy", plane.size[1] - y);
    });
    svg.setAttribute("aria-label", `Embeddings of all images. ${told[epoch]}`);
  };
}

function makeCurves(svg, curves, epochs) {
  const last = epochs.at(-1).number;
  const highest = Math.max(...curves.flatMap(({ values }) => values));
  const across = (epoch) => PLOT.left + ((PLOT.width - PLOT.left - PLOT.right) * epochs[epoch].number) / last;
  const up = (value) => PLOT.height - PLOT.bottom - ((PLOT.height - PLOT.top - PLOT.bottom) * value) / highest;
  const lines = curves.map(({ label, shifted, values }) => {
    const points = values.map((value, epoch) => `${across(epoch)},${up(value)}`).join(" ");
    return makeShape("polyline", { points, class: shifted ? `${label} shifted` : label });
  });
  const marker = makeShape("line", { class: "marker", y1: PLOT.top, y2: PLOT.height - PLOT.bottom });
  const axis = makeShape("line", { class: "axis", x1: PLOT.left, x2: PLOT.width - PLOT.right, y1: up(0), y2: up(0) });
  const ticks = epochs.map(({ number }, epoch) => text(`${number}`, { class: "tick", x: across(epoch), y: PLOT.height - 8 }));
  const levels = [0, highest].map((value) => text(value.toFixed(2), { class: "level", x: PLOT.left - 5, y: up(value) + 4 }));
  svg.replaceChildren(axis, marker, ...lines, ...ticks, ...levels);
  return (epoch) => {
    for (const end of ["x1", "x2"]) marker.setAttribute(end, across(epoch));
    const values = curves.map(({ label, shifted, values }) => `${label}${shifted ? ", shifted" : ""} ${values[epoch].toFixed(2)}`);
    svg.setAttribute("aria-label", `${epochs[epoch].name}, mean distance: ${values.join("; ")}`);
  };
}

export default function ({ data, parentElement }) {
  const find = (part) => parentElement.querySelector(`[data-part="${part}"]`);
  const [slider, play, images, panels] = ["slider", "play", "images", "panels"].map(find);
  const last = data.epochs.length - 1;
  let timer = null;

  images.replaceChildren();
  panels.replaceChildren();
  find("share").textContent = `(${data.plane.share} of their variance)`;
  const parts = [
    ...data.images.map((image) => makeImage(images, image)),
    ...data.panels.map((panel) => makeScores(panels, panel)),
    makePlane(find("plane"), data.plane, data.told),
    makeCurves(find("curves"), data.curves, data.epochs),
  ];

  const show = (epoch) => {
    shownEpochs.set(parentElement, epoch);
    slider.value = epoch;
    slider.setAttribute("aria-valuetext", data.epochs[epoch].name);
    find("epoch").textContent = data.epochs[epoch].name;
    find("told").textContent = data.told[epoch];
    for (const part of parts) part(epoch);
  };
  const pause = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  };
  const advance = () => {
    show(Math.min(last, Number(slider.value) + 1));
    if (Number(slider.value) === last) pause();
  };

  slider.max = last;
  slider.oninput = () => {
    pause();
    show(Number(slider.value));
  };
  play.onclick = () => {
    if (timer !== null) return pause();
    if (Number(slider.value) === last) show(0);
    play.textContent = "Pause";
    timer = setInterval(advance, PAUSE_MS);
  };
  pause();
  show(Math.min(last, shownEpochs.get(parentElement) ?? 0));
  return pause;
}
