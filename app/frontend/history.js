// One entry in the browser's history for each page that was opened. For each choice that a run of the script gives a
// widget, Streamlit adds an entry with the same page; Back would have to step through all of them.
if (!window.gnlAddsPagesOnly) {
  window.gnlAddsPagesOnly = true;
  const add = history.pushState.bind(history);
  history.pushState = (state, title, address) => {
    const samePage = new URL(address, location.href).pathname === location.pathname;
    if (samePage) history.replaceState(state, title, address);
    else add(state, title, address);
  };
}
