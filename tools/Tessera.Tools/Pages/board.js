"use strict";
// Asks the board's server every two seconds what is new, and draws it.
(() => {
  const pause = 2000;
  const charts = new Map();
  const status = document.getElementById("status"), grid = document.getElementById("charts");
  const table = document.getElementById("runs").tBodies[0], maps = document.getElementById("maps");
  let tag = null;
  const cell = (row, text, kind) => Tessera.html("td", { textContent: text, className: kind || "" }, row);
  const show = state => {
    table.replaceChildren(...state.runs.map(run => {
      const row = Tessera.html("tr");
      Tessera.html("th", { textContent: run.name, scope: "row", className: "long" }, row);
      cell(row, run.state, run.running ? "good" : run.ended ? "" : "warn");
      cell(row, run.iteration === null ? "–" : run.iteration.toLocaleString("en"), "n");
      cell(row, run.epoch === null ? "–" : run.epoch, "n");
      cell(row, Tessera.short(run.loss), "n");
      cell(row, run.metric === null ? "–" : `${run.metric} ${Tessera.short(run.value)}`);
      cell(row, run.problem || "", "long");
      return row;
    }));
    const wanted = new Set(state.charts.map(spec => spec.title));
    for (const [title, [figure]] of charts) if (!wanted.has(title)) { figure.remove(); charts.delete(title); }
    for (const spec of state.charts) {
      const known = charts.get(spec.title);
      if (known) { known[1].update(spec); continue; }
      const figure = Tessera.html("figure", { className: "chart" }, grid);
      Tessera.html("span", { textContent: spec.title }, Tessera.html("figcaption", {}, figure));
      charts.set(spec.title, [figure, Tessera.chart(figure, spec)]);
    }
    const shown = [...maps.querySelectorAll("img")].map(image => image.getAttribute("src")).join(" ");
    if (shown !== state.maps.map(map => map.address).join(" "))
      maps.replaceChildren(...state.maps.map(map => {
        const figure = Tessera.html("figure");
        Tessera.html("img", { src: map.address, alt: "Activation maps of " + map.run }, figure);
        Tessera.html("figcaption", { textContent: `${map.run}, ${map.file}` }, figure);
        return figure;
      }));
    document.getElementById("with-maps").hidden = state.maps.length === 0;
  };
  const ask = async () => {
    try {
      const answer = await fetch("/state", { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
      if (answer.status === 200) {
        tag = answer.headers.get("ETag");
        show(await answer.json());
      } else if (answer.status !== 304) throw new Error(String(answer.status));
      status.textContent = "Live: asked last at " + new Date().toLocaleTimeString();
    } catch (error) {
      status.textContent = "The board does not answer any more; what is shown is how things stood.";
    }
    setTimeout(ask, document.hidden ? 5 * pause : pause);
  };
  ask();
})();
