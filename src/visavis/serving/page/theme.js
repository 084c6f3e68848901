// A plain script in the head, not a module: it runs before the first paint, so that nothing flashes.
{
  const kept = localStorage.getItem("visavis-theme");
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
}
