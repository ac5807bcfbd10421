// The part of a page that scores images itself: an image of the file, one that is dropped, and what is painted on it.

const FIRST_COLOUR = "#101010"; // of the brush

// `others` are the scores of the normal images of `place`, under the same settings.
function verdictWords({ score, milliseconds }, { strength, threshold, others, place }) {
  const higher = others.filter((one) => one > score).length;
  return {
    score: score.toFixed(3),
    alarm: score > threshold ? "Alarm" : "No alarm",
    judgement: `${score > threshold ? "above" : "not above"} the threshold, ${threshold.toFixed(3)} at α\u00a0=\u00a0${strength}, chosen on normal training images.`,
    details: `Of ${others.length} normal images ${place}, ${higher} score higher. Computed in ${Math.round(milliseconds)} ms.`,
  };
}

// What a state chooses: the model and its method, the domain and its sheet of images, the strength, counted from 0.
function chosenIn(view, models, state) {
  const [model, method, domain] = [models[state.model], view.methods[state.model], view.domains[state.domain]];
  const strength = Math.min(state.strength, method.strengths.length - 1);
  return { model, method, domain, sheet: model.sheets[domain.name], strength };
}

async function readChosen({ model, sheet }, { chosen, file }) {
  return file ? resizeImage(file.pixels, model.width, model.height) : cutSheet(sheet, chosen, model);
}

function nameChosen({ domain, sheet }, { chosen, file }) {
  const row = sheet.rows[chosen];
  return file ? file.name : `${KINDS.get(domain.labels[row])} image ${domain.names[row]}`;
}

// Returns a function that runs `task`; called while it runs, it runs it once more afterwards.
function runInTurn(task) {
  let running = false;
  let again = false;
  return async () => {
    again = true;
    if (running) return;
    running = true;
    while (again) {
      again = false;
      await task();
    }
    running = false;
  };
}

// Detectors by the position of their model. The runtime and each detector are loaded once, when they are first opened.
function makeDetectors() {
  const opened = new Map(); // position → promise of the runtime and the session
  let runtime = null; // promise

  async function load(index) {
    runtime ??= loadRuntime();
    const ready = await runtime;
    return { runtime: ready, session: await openDetector(ready, `model-${index}`) };
  }

  function open(index) {
    if (!opened.has(index)) opened.set(index, load(index));
    return opened.get(index);
  }

  return { open, isOpened: (index) => opened.has(index) };
}

// An image and what is painted on it. `onPaint` is called after each stroke.
function makeEasel(figure, onPaint) {
  const settings = { tool: "brush", colour: FIRST_COLOUR, size: 0 };
  const easel = { original: null, picture: null, painted: false, show };

  function show(image) {
    if (image === easel.original) return;
    Object.assign(easel, { original: image, picture: image, painted: false });
    startPainter(figure, image, { settings, onChange: paint });
  }

  function paint(picture, box) {
    Object.assign(easel, { picture, painted: box !== null });
    onPaint();
  }

  return easel;
}

function makeChoice(image, { name, kind, onChoose }) {
  const item = document.createElement("li");
  item.innerHTML = `<button type="button"><canvas aria-hidden="true"></canvas><span class="${kind}">${kind}</span></button>`;
  item.firstChild.title = name;
  item.firstChild.addEventListener("click", onChoose);
  showPixels(item.querySelector("canvas"), image);
  return item;
}

function markChosen(part, { chosen, file }) {
  for (const [index, button] of part("choices").querySelectorAll("button").entries()) {
    button.setAttribute("aria-pressed", String(!file && index === chosen));
  }
}

function drawControls(part, { method, strength }, state) {
  part("method-select").value = state.model;
  part("domain-select").value = state.domain;
  part("strength").max = method.strengths.length - 1;
  part("strength").value = strength;
  part("strength-value").textContent = method.strengths[strength] || "off";
  part("strength-choice").hidden = method.strengths.length < 2;
  markChosen(part, state);
}

function drawVerdict(part, view, { method, strength }, detection) {
  const base = inDistribution(view);
  const others = scoresOf(0, method.scores[base.name][strength], base.labels);
  const judged = { strength: method.strengths[strength], threshold: method.thresholds[strength], others, place: base.title };
  for (const [name, words] of Object.entries(verdictWords(detection, judged))) part(name).textContent = words;
  part("score").value = detection.score;
  part("result").hidden = false;
}

function drawMap(part, view, { method, model }, map) {
  part("map-figure").hidden = !map;
  if (!map) return;
  showPixels(part("map"), colourValues(map, model, readColours(view.colours), method.map_scale));
  part("upper").textContent = `${method.map_scale.toFixed(2)}, from normal training images`;
}

function drawColourScale(canvas, view) {
  const levels = Float32Array.from({ length: 256 }, (_, level) => level);
  showPixels(canvas, colourValues(levels, { width: 256, height: 1 }, readColours(view.colours), 255));
}

function acceptDrops(root, onFile) {
  const mark = (isOver) => root.classList.toggle("dragged", isOver);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  document.addEventListener("dragleave", () => mark(false));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    root.scrollIntoView({ block: "nearest" });
    onFile(event.dataTransfer.files[0]);
  });
}

async function showLicences(element) {
  const texts = await Promise.all(["runtime-licence", "runtime-notices"].map(unpack));
  element.lastElementChild.textContent = texts.map((text) => new TextDecoder().decode(text)).join("\n");
}

function fillChoices(part, view) {
  part("method-select").append(...view.methods.map(({ name }, index) => new Option(name, index)));
  part("method-choice").hidden = view.methods.length < 2;
  part("domain-select").append(...view.domains.map(({ title }, index) => new Option(title, index)));
}

function listenToChoices(part, { change, openFile }) {
  part("method-select").addEventListener("change", (event) => change({ model: Number(event.target.value) }));
  part("domain-select").addEventListener("change", (event) => change({ domain: Number(event.target.value), chosen: 0, file: null }));
  part("strength").addEventListener("input", (event) => change({ strength: Number(event.target.value) }));
  part("file").addEventListener("click", (event) => (event.target.value = "")); // the same file can be chosen again
  part("file").addEventListener("change", (event) => openFile(event.target.files[0]));
  part("licences").addEventListener("toggle", (event) => showLicences(event.currentTarget), { once: true });
}

function whenSeen(element, task) {
  new IntersectionObserver(([{ isIntersecting }], observer) => {
    if (!isIntersecting) return;
    observer.disconnect();
    task();
  }).observe(element);
}

// `models` has one model per method of the view. Returns a function that sets the strength, counted from 0.
function startLive(root, view, models) {
  const part = (name) => root.querySelector(`.${name}`);
  const say = (words) => (part("status").textContent = words);
  const detectors = makeDetectors();
  const easel = makeEasel(part("image-figure"), update);
  const scoreInTurn = runInTurn(() => score().catch((error) => say(`The score cannot be computed: ${error.message}`)));
  let state = { model: 0, domain: 0, strength: 0, chosen: 0, file: null };
  let image = null; // promise of what is chosen
  let seen = false; // before, nothing is loaded
  const chosenNow = () => chosenIn(view, models, state);

  function change(choices) {
    const [before, former] = [state, chosenNow().model];
    state = { ...state, ...choices };
    const { model } = chosenNow();
    const differs = (...names) => names.some((name) => state[name] !== before[name]);
    const isResized = model.width !== former.width || model.height !== former.height;
    if (isResized || differs("domain", "chosen", "file")) image = readChosen(chosenNow(), state);
    if (differs("model", "domain")) drawChoices();
    drawControls(part, chosenNow(), state);
    update();
  }

  async function drawChoices() {
    const { model, domain, sheet } = chosenNow();
    const images = await Promise.all(sheet.rows.map((_, index) => cutSheet(sheet, index, model)));
    if (sheet !== chosenNow().sheet) return; // others were chosen meanwhile
    const items = sheet.rows.map((row, index) => {
      const onChoose = () => change({ chosen: index, file: null });
      return makeChoice(images[index], { name: domain.names[row], kind: KINDS.get(domain.labels[row]), onChoose });
    });
    part("choices").replaceChildren(...items);
    markChosen(part, state);
  }

  // What changes while an image is scored is scored afterwards.
  function update() {
    if (seen) scoreInTurn();
  }

  async function score() {
    const [chosen, index, name, wanted] = [chosenNow(), state.model, nameChosen(chosenNow(), state), image];
    if (!detectors.isOpened(index)) say("Loading the detector …");
    const original = await wanted;
    const { runtime, session } = await detectors.open(index);
    easel.show(original);
    const detection = await detect(runtime, session, easel.picture, chosen.method.strengths[chosen.strength]);
    say("");
    drawVerdict(part, view, chosen, detection);
    drawMap(part, view, chosen, detection.map);
    const { width, height } = chosen.model;
    part("image-caption").textContent = `${name}${easel.painted ? ", painted on" : ""}: ${width} × ${height} px, as the detector reads it`;
  }

  async function openFile(file) {
    if (!file) return;
    try {
      change({ file: { name: file.name, pixels: await readImageFile(file) } });
    } catch (error) {
      say(error.message);
    }
  }

  fillChoices(part, view);
  listenToChoices(part, { change, openFile });
  acceptDrops(root, openFile);
  drawColourScale(part("colour-scale"), view);
  drawControls(part, chosenNow(), state);
  drawChoices();
  image = readChosen(chosenNow(), state);
  whenSeen(root, () => {
    seen = true;
    update();
  });
  return (strength) => change({ strength });
}
