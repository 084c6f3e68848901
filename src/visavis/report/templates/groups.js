const form = document.getElementById("save");
const groups = () =>
  [...document.querySelectorAll("[data-group]")]
    .map((group) => ({
      name: group.querySelector(".name").value.trim(),
      faces: [...group.querySelectorAll("[data-photo]")].filter((face) => face.checked),
    }))
    .filter((group) => group.name && group.faces.length);
const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const table = () =>
  [
    "{{ columns | join(',') }}",
    ...groups().flatMap(({ name, faces }) =>
      faces.map(({ dataset }) => [cell(name), cell(dataset.photo), dataset.box].join(",")),
    ),
    "",
  ].join("\r\n");
const update = () => {
  const named = groups();
  const faces = named.reduce((sum, group) => sum + group.faces.length, 0);
  const names = [...new Set(named.map((group) => group.name))];
  form.querySelector("button").disabled = !faces;
  document.getElementById("count").textContent = faces
    ? `${names.length} ${names.length === 1 ? "person" : "people"} named, by ${faces} ${faces === 1 ? "face" : "faces"}.`
    : "Nobody is named yet.";
  document.getElementById("next").hidden = !faces;
  document.getElementById("names").replaceChildren(...names.map((name) => new Option(name)));
};
document.addEventListener("input", update);
update(); // a page that is loaded again may keep what was typed
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([table()], { type: "text/csv" }));
  link.download = "{{ names_file }}";
  link.click();
});
