// Before the first paint, so that a light page does not flash dark. A file of its own: inline scripts are not allowed.
(() => {
  let theme = null;
  try {
    theme = JSON.parse(localStorage.getItem('plimsoll.choices')).theme;
  } catch {
    // Nothing remembered, or nothing may be remembered: the system's wish holds.
  }
  theme ??= matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
  document.documentElement.dataset.theme = theme;
})();
