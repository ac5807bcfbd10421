// Painting on an image by pointer, touch or keyboard, with undo. Knows no server; the operations are in strokes.js.

const PAINTER_KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEPT_CHANGES = 100; // of which each can be undone
const PIXELATED_BELOW_PX = 512; // the pixels of smaller images stay visible as squares
const CHOOSE_SOURCE = "Clone: choose the place to copy from.";

// The changes of a picture. Each function returns whether it changed anything.
function makeHistory(picture) {
  let changes = []; // each { box, before, after }
  let undone = [];

  // Note the difference from earlier bytes as one change that can be undone.
  function keep(earlier) {
    const box = changedBox(picture, earlier);
    if (!box) return false;
    const [before, after] = [earlier, picture.data].map((bytes) => cutBox(bytes, picture.width, box));
    changes = [...changes, { box, before, after }].slice(-KEPT_CHANGES);
    undone = [];
    return true;
  }

  function undo() {
    if (!changes.length) return false;
    const last = changes.pop();
    pasteBox(picture, last.box, last.before);
    undone.push(last);
    return true;
  }

  function redo() {
    if (!undone.length) return false;
    const next = undone.pop();
    pasteBox(picture, next.box, next.after);
    changes.push(next);
    return true;
  }

  return { keep, undo, redo, canUndo: () => changes.length > 0, canRedo: () => undone.length > 0 };
}

// Show the brush's outline at a place of a picture, or hide it.
function placeRing(ring, place, size, { width, height }) {
  ring.hidden = !place;
  if (!place) return;
  const corner = size % 2 ? 0.5 : 0;
  [ring.style.left, ring.style.top] = place.map((value, axis) => `${(100 * (value + corner)) / [width, height][axis]}%`);
  ring.style.width = `${(100 * size) / width}%`;
}

// The place of a picture that is nearest to another one.
function clampPlace(place, { width, height }) {
  return place.map((value, axis) => Math.max(0, Math.min([width, height][axis] - 1, value)));
}

function placeOf(event, canvas) {
  const box = canvas.getBoundingClientRect();
  const shares = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  return clampPlace([Math.floor(shares[0] * canvas.width), Math.floor(shares[1] * canvas.height)], canvas);
}

// Where an arrow key moves a cursor: by a pixel with Shift, else by a sixty-fourth of the picture.
function moveByKey({ key, shiftKey }, cursor, { width, height }) {
  const step = shiftKey ? 1 : Math.max(1, Math.round(Math.max(width, height) / 64));
  const moved = cursor.map((value, axis) => value + step * PAINTER_KEYS[key][axis]);
  return clampPlace(moved, { width, height });
}

// Let the elements of painter.html in `root` paint on a copy of a picture, { data, width, height } with RGBA bytes.
//
// Called again for the same elements, it begins anew with another picture. `settings` holds tool, colour ("#rrggbb") and
// size in pixels, and is updated; a size of 0 becomes a sixteenth of the picture. `onChange` is called after each stroke,
// undo and redo, with the picture and the rectangle in which it differs from the original; with null if it does not.
// The result is a function that tells the place of the cursor.
function startPainter(root, original, { settings, onChange }) {
  const find = (selector) => root.querySelector(selector);
  const [canvas, ring, sourceRing, note] = ["canvas", ".ring", ".ring.source", ".painter-note"].map(find);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const { width, height } = original;
  const picture = new ImageData(original.data.slice(), width, height);
  const history = makeHistory(picture);
  let stroke = null;
  let cursor = [Math.floor(width / 2), Math.floor(height / 2)];
  let source = null; // of the clone tool

  function draw() {
    context.putImageData(picture, 0, 0);
    for (const button of root.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", button.dataset.tool === settings.tool);
    find(".colour").value = settings.colour;
    find(".size").value = settings.size;
    find(".size-value").textContent = `${settings.size} px`;
    find(".undo").disabled = !history.canUndo();
    find(".redo").disabled = !history.canRedo();
    find(".original").disabled = !changedBox(picture, original.data);
    showCursor();
  }

  function describe() {
    const at = `Column ${cursor[0]}, row ${cursor[1]}.`;
    const copied = source && `Clone: paint; each stroke copies from column ${source[0]}, row ${source[1]}.`;
    note.textContent = settings.tool === "clone" ? `${copied || CHOOSE_SOURCE} ${at}` : at;
  }

  function showCursor() {
    placeRing(ring, cursor, settings.size, picture);
    placeRing(sourceRing, source, settings.size, picture);
    describe();
  }

  function begin(place) {
    cursor = place;
    if (settings.tool === "clone" && !source) {
      source = place;
      draw();
      return;
    }
    const offset = source ? source.map((value, axis) => value - place[axis]) : [0, 0];
    const colour = settings.colour.match(/[0-9a-f]{2}/gi).map((pair) => parseInt(pair, 16));
    stroke = startStroke(picture, { original, tool: settings.tool, colour, size: settings.size, offset });
    moveTo(place);
  }

  function moveTo(place) {
    stroke?.extend(cursor, place);
    cursor = place;
    if (stroke) context.putImageData(picture, 0, 0);
    showCursor();
  }

  function end() {
    if (!stroke) return;
    const { before } = stroke;
    stroke = null;
    tellIf(history.keep(before));
  }

  function tellIf(hasChanged) {
    if (!hasChanged) return;
    draw();
    onChange(picture, changedBox(picture, original.data));
  }

  const undo = () => tellIf(!stroke && history.undo());
  const redo = () => tellIf(!stroke && history.redo());

  function restoreOriginal() {
    const before = picture.data.slice();
    picture.data.set(original.data);
    tellIf(history.keep(before));
  }

  function choose(choice) {
    Object.assign(settings, choice);
    if (choice.tool) source = null;
    draw();
  }

  function press(event) {
    if ((event.ctrlKey || event.metaKey) && ["z", "y"].includes(event.key.toLowerCase())) {
      event.preventDefault();
      if (event.key.toLowerCase() === "y" || event.shiftKey) redo();
      else undo();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in PAINTER_KEYS) {
      moveTo(moveByKey(event, cursor, picture));
    } else if (event.key === " ") {
      if (!event.repeat && !stroke) begin(cursor);
    } else if (event.key === "Enter") {
      if (stroke) end();
      else if (!event.repeat) begin(cursor);
    } else return;
    event.preventDefault();
  }

  canvas.onpointerdown = (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    begin(placeOf(event, canvas));
  };
  canvas.onpointermove = (event) => {
    if (!stroke || !canvas.hasPointerCapture(event.pointerId)) placeRing(ring, placeOf(event, canvas), settings.size, picture);
    else for (const one of [...event.getCoalescedEvents(), event]) moveTo(placeOf(one, canvas));
  };
  canvas.onpointerleave = showCursor;
  canvas.onpointerup = canvas.onpointercancel = end;
  canvas.onkeydown = press;
  canvas.onkeyup = (event) => event.key === " " && end();
  canvas.onblur = end;
  for (const button of root.querySelectorAll("[data-tool]")) button.onclick = () => choose({ tool: button.dataset.tool });
  find(".colour").oninput = (event) => choose({ colour: event.target.value });
  find(".size").oninput = (event) => choose({ size: Number(event.target.value) });
  find(".undo").onclick = undo;
  find(".redo").onclick = redo;
  find(".original").onclick = restoreOriginal;
  const largest = Math.ceil(Math.min(width, height) / 2);
  find(".size").max = largest;
  settings.size = Math.min(settings.size || Math.ceil(largest / 8), largest);
  [canvas.width, canvas.height] = [width, height];
  canvas.style.imageRendering = width < PIXELATED_BELOW_PX ? "pixelated" : "auto";
  draw();
  return () => cursor;
}
