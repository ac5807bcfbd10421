// Measures, by the page's own clock, when the server's messages, the changes of the watched elements and the frame that
// shows the last change follow an input. Installed before any script of the page.
(() => {
  const clock = { watched: "" };
  window.interactionClock = clock;

  clock.wait = (watched) =>
    Object.assign(clock, { watched, waiting: true, input: null, received: null, changed: null, painted: null });

  const begin = (event) => {
    if (clock.waiting) Object.assign(clock, { waiting: false, input: event.timeStamp });
  };
  for (const kind of ["keydown", "mousedown"]) addEventListener(kind, begin, true);

  const isTimed = () => clock.input !== null && !clock.waiting && clock.watched;
  // Components are in shadow trees, whose hosts are elements of the page.
  const isWatched = (node) => {
    const element = node instanceof Element ? node : (node.host ?? node.parentElement);
    const host = element?.getRootNode().host;
    return Boolean(element?.closest(clock.watched)) || (host !== undefined && isWatched(host));
  };

  const noteChange = () => {
    clock.changed = performance.now();
    requestAnimationFrame(() => requestAnimationFrame((now) => (clock.painted = Math.max(now, clock.changed))));
  };
  const observer = new MutationObserver((changes) => {
    if (isTimed() && changes.some((change) => isWatched(change.target))) noteChange();
  });
  const observe = (root) =>
    observer.observe(root, {
      subtree: true,
      childList: true,
      characterData: true,
      attributeFilter: ["src", "d", "transform"], // not classes and styles, which Streamlit uses for fading
    });
  observe(document);
  const attachShadow = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (options) {
    const root = attachShadow.call(this, options);
    observe(root);
    return root;
  };
  addEventListener("load", (event) => isTimed() && isWatched(event.target) && noteChange(), true); // images

  window.WebSocket = class extends WebSocket {
    constructor(...address) {
      super(...address);
      this.addEventListener("message", () => isTimed() && (clock.received = performance.now()));
    }
  };
})();
