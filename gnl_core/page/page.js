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

startExplorer(document.getElementById("explorer"), view, { start: readAddress(), onChange: writeAddress });
