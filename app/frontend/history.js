// One entry in the browser's history for each opened page. Whenever the script sets a widget's value, Streamlit adds an
// entry with the same page, and Back would have to step through all of them.
if (!window.gnlAddsPagesOnly) {
  window.gnlAddsPagesOnly = true;
  const add = history.pushState.bind(history);
  history.pushState = (state, title, address) => {
    const samePage = new URL(address, location.href).pathname === location.pathname;
    if (samePage) history.replaceState(state, title, address);
    else add(state, title, address);
  };
}
