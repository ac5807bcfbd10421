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

// `models` has one model per method of the view. Returns a function that sets the strength, counted from 0.
function startLive(root, view, models) {
  const part = (name) => root.querySelector(`.${name}`);
  const colours = readColours(view.colours);
  const brush = { tool: "brush", colour: FIRST_COLOUR, size: 0 };
  const sessions = new Map(); // position of a model → promise of its session
  let runtime = null; // promise
  let state = { model: 0, domain: 0, strength: 0, chosen: 0, file: null, image: null }; // image: promise
  let picture = null; // what is scored: the image with what is painted on it
  let shown = null; // the image without it
  let painted = false;
  let seen = false; // before, nothing is loaded
  let computing = false;
  let again = false;

  const modelNow = () => models[state.model];
  const domainNow = () => view.domains[state.domain];
  const sheetNow = () => modelNow().sheets[domainNow().name];
  const methodNow = () => view.methods[state.model];
  const strengthNow = () => Math.min(state.strength, methodNow().strengths.length - 1);
  const say = (words) => (part("status").textContent = words);

  function change(choices) {
    const before = state;
    const size = modelNow();
    state = { ...state, ...choices };
    const differs = (...names) => names.some((name) => state[name] !== before[name]);
    const { width, height } = modelNow();
    if (differs("domain", "chosen", "file") || width !== size.width || height !== size.height) state.image = readImage();
    if (differs("model", "domain")) drawChoices();
    drawControls();
    update();
  }

  async function readImage() {
    const { file, chosen } = state;
    const model = modelNow();
    return file ? resizeImage(file.pixels, model.width, model.height) : cutSheet(sheetNow(), chosen, model);
  }

  function drawControls() {
    part("method-select").value = state.model;
    part("domain-select").value = state.domain;
    part("strength").max = methodNow().strengths.length - 1;
    part("strength").value = strengthNow();
    part("strength-value").textContent = methodNow().strengths[strengthNow()] || "off";
    part("strength-choice").hidden = methodNow().strengths.length < 2;
    markChosen();
  }

  async function drawChoices() {
    const [model, sheet, domain] = [modelNow(), sheetNow(), domainNow()];
    const images = await Promise.all(sheet.rows.map((_, index) => cutSheet(sheet, index, model)));
    if (sheet !== sheetNow()) return; // others were chosen meanwhile
    part("choices").replaceChildren(...images.map((image, index) => makeChoice(image, index, domain, sheet.rows[index])));
    markChosen();
  }

  function makeChoice(image, index, domain, row) {
    const item = document.createElement("li");
    const kind = KINDS.get(domain.labels[row]);
    item.innerHTML = `<button type="button"><canvas aria-hidden="true"></canvas><span class="${kind}">${kind}</span></button>`;
    item.firstChild.title = domain.names[row];
    item.firstChild.addEventListener("click", () => change({ chosen: index, file: null }));
    showPixels(item.querySelector("canvas"), image);
    return item;
  }

  function markChosen() {
    for (const [index, button] of part("choices").querySelectorAll("button").entries()) {
      button.setAttribute("aria-pressed", String(!state.file && index === state.chosen));
    }
  }

  // Score what is chosen and painted; what changes meanwhile is scored afterwards.
  async function update() {
    again = true;
    if (computing || !seen) return;
    computing = true;
    while (again) {
      again = false;
      await score().catch((error) => say(`The score cannot be computed: ${error.message}`));
    }
    computing = false;
  }

  async function score() {
    const scored = { method: methodNow(), model: modelNow(), strength: strengthNow(), name: nameNow() };
    const [index, wanted] = [state.model, state.image];
    if (!sessions.has(index)) say("Loading the detector …");
    const image = await wanted;
    const session = await openModel(index);
    if (image !== shown) {
      [shown, picture, painted] = [image, image, false];
      startPainter(part("image-figure"), image, { settings: brush, onChange: scorePainted });
    }
    const detection = await detect(await runtime, session, picture, scored.method.strengths[scored.strength]);
    say("");
    draw(scored, detection);
  }

  function scorePainted(changed, box) {
    [picture, painted] = [changed, box !== null];
    update();
  }

  function openModel(index) {
    runtime ??= loadRuntime();
    if (!sessions.has(index)) sessions.set(index, runtime.then((ready) => openDetector(ready, `model-${index}`)));
    return sessions.get(index);
  }

  function nameNow() {
    const row = sheetNow().rows[state.chosen];
    return state.file ? state.file.name : `${KINDS.get(domainNow().labels[row])} image ${domainNow().names[row]}`;
  }

  function draw({ method, model, strength, name: imageName }, detection) {
    const base = inDistribution(view);
    const others = scoresOf(0, method.scores[base.name][strength], base.labels);
    const judged = { strength: method.strengths[strength], threshold: method.thresholds[strength], others, place: base.title };
    for (const [name, words] of Object.entries(verdictWords(detection, judged))) part(name).textContent = words;
    part("score").value = detection.score;
    part("image-caption").textContent = `${imageName}${painted ? ", painted on" : ""}: ${model.width} × ${model.height} px, as the detector reads it`;
    part("result").hidden = false;
    part("map-figure").hidden = !detection.map;
    if (!detection.map) return;
    showPixels(part("map"), colourValues(detection.map, model, colours, method.map_scale));
    part("upper").textContent = `${method.map_scale.toFixed(2)}, from normal training images`;
  }

  async function open(file) {
    if (!file) return;
    try {
      change({ file: { name: file.name, pixels: await readImageFile(file) } });
    } catch (error) {
      say(error.message);
    }
  }

  function acceptDrops() {
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
      open(event.dataTransfer.files[0]);
    });
  }

  async function showLicences() {
    const texts = await Promise.all(["runtime-licence", "runtime-notices"].map(unpack));
    part("licences").lastElementChild.textContent = texts.map((text) => new TextDecoder().decode(text)).join("\n");
  }

  function drawScale() {
    const levels = Float32Array.from({ length: 256 }, (_, level) => level);
    showPixels(part("colour-scale"), colourValues(levels, { width: 256, height: 1 }, colours, 255));
  }

  part("method-select").append(...view.methods.map(({ name }, index) => new Option(name, index)));
  part("method-choice").hidden = models.length < 2;
  part("domain-select").append(...view.domains.map(({ title }, index) => new Option(title, index)));
  part("method-select").addEventListener("change", (event) => change({ model: Number(event.target.value) }));
  part("domain-select").addEventListener("change", (event) => change({ domain: Number(event.target.value), chosen: 0, file: null }));
  part("strength").addEventListener("input", (event) => change({ strength: Number(event.target.value) }));
  part("file").addEventListener("click", (event) => (event.target.value = "")); // the same file can be chosen again
  part("file").addEventListener("change", (event) => open(event.target.files[0]));
  part("licences").addEventListener("toggle", showLicences, { once: true });
  acceptDrops();
  drawScale();
  drawControls();
  drawChoices();
  state.image = readImage();
  new IntersectionObserver(([{ isIntersecting }], observer) => {
    if (!isIntersecting) return;
    observer.disconnect();
    seen = true;
    update();
  }).observe(root);
  return (strength) => change({ strength });
}
