"use strict";
// Sorts and filters the summary; the page is readable without.
const table = document.getElementById("summary");
const body = table.tBodies[0];
const rows = Array.from(body.rows);
const entryOf = (row) => document.getElementById("c" + row.dataset.n);
const field = (id) => document.getElementById(id);

function key(row, column) {
  const cell = row.cells[column];
  return cell.dataset.sort === undefined ? cell.textContent.toLowerCase() : Number(cell.dataset.sort);
}

Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
  head.addEventListener("click", () => {
    // Scores begin with the highest, the rest with the first.
    const first = head.classList.contains("n") ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = head.getAttribute("aria-sort") === first ? other : first;
    for (const h of table.tHead.rows[0].cells) h.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    rows.sort((a, b) => {
      const x = key(a, column), y = key(b, column);
      return x < y ? -sign : x > y ? sign : a.dataset.n - b.dataset.n;
    });
    body.append(...rows);
    document.querySelector("main").append(...rows.map(entryOf));
  });
});

function filter() {
  const kind = field("kind").value, words = field("words").value.toLowerCase();
  const low = field("low").value === "" ? -Infinity : Number(field("low").value);
  const high = field("high").value === "" ? Infinity : Number(field("high").value);
  let shown = 0;
  for (const row of rows) {
    const entry = entryOf(row), total = Number(row.dataset.total);
    const passes = row.dataset.kinds.split(" ").includes(kind) && total >= low && total <= high &&
      (words === "" || entry.textContent.toLowerCase().includes(words));
    row.hidden = entry.hidden = !passes;
    shown += passes;
  }
  field("shown").textContent = shown === rows.length ? "" : shown + " of " + rows.length;
}
for (const id of ["kind", "low", "high", "words"]) field(id).addEventListener("input", filter);
document.querySelector(".filters").addEventListener("submit", (e) => e.preventDefault());

function openTarget() {
  const entry = /^#c\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
  if (entry) { entry.open = true; entry.scrollIntoView(); }
}
addEventListener("hashchange", openTarget);
body.addEventListener("click", (e) => { if (e.target.closest("a")) setTimeout(openTarget); });
openTarget();
