// How figures and dates read.

const SPACE = "\u00a0";

/** A probability. Nothing is certain: the ends are told as bounds. */
export function percent(share) {
  if (share === null || share === undefined) return "not calibrated";
  if (share > 0.9999) return `over${SPACE}99.99${SPACE}%`;
  if (share < 0.0001) return `under${SPACE}0.01${SPACE}%`;
  const near = share > 0.99 || share < 0.01;
  return `${(100 * share).toFixed(near ? 2 : 1)}${SPACE}%`;
}

export const decimal = (value) => value.toFixed(3).replace("-", "\u2212");

/** A rate as what people can picture: 0.001 is "1 in 1,000". */
export const oneIn = (rate) => `1 in ${Math.round(1 / rate).toLocaleString("en")}`;

export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** A reason of the server as a sentence; one that begins with a file's name keeps it as it is. */
export function sentence(words) {
  const first = /^\S*[._]\S/.test(words) ? words.charAt(0) : words.charAt(0).toUpperCase();
  return `${first}${words.slice(1)}${/[.?!]$/.test(words) ? "" : "."}`;
}

export function day(moment) {
  return new Date(moment).toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
  });
}

/** The first letters of a name, for where no face may stand. */
export function initials(name) {
  const words = name.trim().split(/[\s_]+/u);
  const ends = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return ends
    .map((word) => [...word][0] ?? "")
    .join("")
    .toUpperCase();
}

/** One of seven colours, the same for a name at every visit. Orange stands for nobody. */
export function colourOf(name) {
  let sum = 0;
  for (const letter of name.toLowerCase()) sum = (31 * sum + letter.codePointAt(0)) % 9973;
  return `person-${[0, 2, 3, 4, 5, 6, 7][sum % 7]}`;
}
