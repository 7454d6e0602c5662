/// The only script of a page: tables can be sorted and searched. Without it a page shows everything in the
/// order in which it was written.
enum PageScript {
  static let source = """
    "use strict";
    for (const table of document.querySelectorAll("table.data")) {
      const body = table.tBodies[0];
      const rows = Array.from(body.rows);
      table.querySelectorAll("thead th").forEach((head, column) => {
        const button = document.createElement("button");
        button.type = "button";
        button.append(...head.childNodes);
        head.append(button);
        button.addEventListener("click", () => {
          const descending = head.getAttribute("aria-sort") === "ascending";
          table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
          head.setAttribute("aria-sort", descending ? "descending" : "ascending");
          const sign = descending ? -1 : 1;
          // Cells without a value stay at the end, whichever way the others are sorted.
          const rank = (a, b) => {
            const x = a.cells[column].dataset.key, y = b.cells[column].dataset.key;
            if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
            const isNumber = head.classList.contains("number");
            return sign * (isNumber ? Number(x) - Number(y) : x.localeCompare(y, "en", { numeric: true }));
          };
          body.append(...rows.sort(rank));
        });
      });
      const search = table.closest(".table").querySelector("input[type=search]");
      const count = table.closest(".table").querySelector(".count");
      if (!search) continue;
      search.parentElement.hidden = false;
      const filter = () => {
        const words = search.value.toLowerCase().split(/\\s+/).filter((word) => word !== "");
        let shown = 0;
        for (const row of rows) {
          const text = row.textContent.toLowerCase();
          row.hidden = !words.every((word) => text.includes(word));
          if (!row.hidden) shown += 1;
        }
        const all = rows.length + " rows";
        count.textContent = shown === rows.length ? all : shown + " of " + all;
      };
      search.addEventListener("input", filter);
      filter();
    }
    """
}
