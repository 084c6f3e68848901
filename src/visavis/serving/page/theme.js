// No module, so that it runs before the first paint, and nothing flashes.
{
  const kept = localStorage.getItem("visavis-theme");
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
}
