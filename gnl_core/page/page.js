// One explorer, whose choices are kept in the address.

const view = JSON.parse(document.getElementById("view").textContent);

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const domain = shiftedDomains(view).findIndex((one) => one.name === given.get("domain"));
  const strength = Math.round(Number(given.get("strength")));
  const most = Math.max(...view.methods.map((method) => method.strengths.length)) - 1;
  return {
    ...(domain >= 0 && { domain }),
    ...(strength > 0 && strength <= most && { strength }),
    ...(adaptationsOf(view).includes(given.get("adapt")) && { adapt: given.get("adapt") }),
  };
}

function writeAddress({ domain, strength, adapt }) {
  const words = new URLSearchParams({ domain: shiftedDomains(view)[domain].name, strength, adapt });
  history.replaceState(null, "", `#${words}`);
}

const models = JSON.parse(document.getElementById("models")?.textContent ?? "[]");
const start = readAddress();
const setLiveStrength = models.length ? startLive(document.getElementById("live"), view, models) : () => {};
if (start.strength) setLiveStrength(start.strength);

startExplorer(document.getElementById("explorer"), view, {
  start,
  onChange(state) {
    writeAddress(state);
    setLiveStrength(state.strength);
  },
});
