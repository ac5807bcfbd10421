// The detectors in this file: exported models, run by ONNX Runtime Web, both unpacked from the page's own text.

// Until the browser has read the page to its end, where the blocks are.
function readToTheEnd() {
  if (document.readyState !== "loading") return Promise.resolve();
  return new Promise((done) => document.addEventListener("DOMContentLoaded", done, { once: true }));
}

// The bytes of a block of the page, which is base64 of gzip.
async function unpack(id) {
  await readToTheEnd();
  const text = atob(document.getElementById(id).textContent);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  const unzipped = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(unzipped).arrayBuffer());
}

// A file on disk may load nothing: neither the runtime's script nor its WebAssembly, nor the script of a worker. So the
// script is imported from memory, the WebAssembly is handed over, and one thread computes, that of the page.
async function loadRuntime() {
  const script = URL.createObjectURL(new Blob([await unpack("runtime-script")], { type: "text/javascript" }));
  const runtime = await import(script);
  URL.revokeObjectURL(script);
  Object.assign(runtime.env.wasm, { wasmBinary: await unpack("runtime-wasm"), numThreads: 1, proxy: false });
  return runtime;
}

// With more optimisation, a graph takes longer to open and scores no faster.
async function openDetector(runtime, id) {
  const settings = { executionProviders: ["wasm"], graphOptimizationLevel: "basic" };
  return runtime.InferenceSession.create(await unpack(id), settings);
}

// Red, green and blue in [0, 1], one plane after the other, of an image's red, green, blue and alpha from 0 to 255.
function toPlanes({ data }) {
  const count = data.length / 4;
  const planes = new Float32Array(3 * count);
  for (let at = 0; at < count; at += 1) {
    for (let channel = 0; channel < 3; channel += 1) planes[channel * count + at] = data[4 * at + channel] / 255;
  }
  return planes;
}

// Score an image of the model's size. `map` has a value per pixel, row by row; it is undefined for a method without maps.
async function detect(runtime, session, image, strength) {
  const given = { images: new runtime.Tensor("float32", toPlanes(image), [1, 3, image.height, image.width]) };
  if (session.inputNames.includes("style_weight")) given.style_weight = new runtime.Tensor("float32", [strength], []);
  const begin = performance.now();
  const { scores, maps } = await session.run(given);
  return { score: scores.data[0], map: maps?.data, milliseconds: performance.now() - begin };
}
