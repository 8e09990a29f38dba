"use strict";
// Sorts tables, draws curves that can be zoomed, enlarges pictures, chooses light or dark. Nothing is loaded, nothing is sent.
const Tessera = (() => {
  const colors = 10;
  const make = (name, attributes, parent, text) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (text !== undefined) element.textContent = text;
    if (parent) parent.appendChild(element);
    return element;
  };
  const html = (name, properties, parent) => {
    const element = Object.assign(document.createElement(name), properties || {});
    if (parent) parent.appendChild(element);
    return element;
  };
  const short = value => {
    if (value === null || !Number.isFinite(value)) return "–";
    const size = Math.abs(value);
    if (size !== 0 && (size >= 1e6 || size < 1e-3)) return value.toExponential(2).replace(/\.?0*e\+?/, "e");
    return size >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(4)));
  };

  // Tables: a click on a heading sorts by its column, another one turns the order round. What has no value stays last.
  const value = (row, column) => {
    const cell = row.cells[column];
    const given = cell.dataset.v !== undefined ? cell.dataset.v : cell.textContent.trim();
    if (given === "" || given === "NaN") return null;
    const number = Number(given);
    return Number.isNaN(number) ? given : number;
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
  const sortable = table => {
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      const button = heading.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const falls = heading.getAttribute("aria-sort") === "ascending" ||
          (heading.getAttribute("aria-sort") !== "descending" && heading.classList.contains("n"));
        headings.forEach(other => other.removeAttribute("aria-sort"));
        heading.setAttribute("aria-sort", falls ? "descending" : "ascending");
        const body = table.tBodies[0];
        const rows = [...body.rows].map(row => [value(row, column), row]);
        rows.sort(([a], [b]) => a === null ? (b === null ? 0 : 1) : b === null ? -1 : falls ? compare(b, a) : compare(a, b));
        body.append(...rows.map(([, row]) => row));
      });
    });
  };
  const filter = input => {
    const table = document.getElementById(input.dataset.table);
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase();
      for (const row of table.tBodies[0].rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    });
  };

  // Curves.
  const ticks = (low, high, count) => {
    const rough = (high - low) / count;
    if (!(rough > 0)) return [low];
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map(factor => factor * power).find(size => size >= rough * 0.999);
    const found = [];
    for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n++) found.push(Number((n * step).toPrecision(12)));
    return found;
  };
  const smoothed = (ys, share) => {
    let sum = 0, weight = 0;
    return ys.map(y => {
      if (y !== null) [sum, weight] = [sum * share + y * (1 - share), weight * share + 1 - share];
      return weight > 0 ? sum / weight : null;
    });
  };
  const charts = [];
  const chart = (figure, given) => {
    const slider = document.getElementById("smoothing");
    let spec = given, range = null, log = false, share = slider ? Number(slider.value) : 0.6, cursor = null, dragged = null, view = null;
    const hidden = new Set();
    const caption = figure.querySelector("figcaption");
    const plot = html("div", { className: "plot", tabIndex: 0 }, figure);
    plot.setAttribute("role", "img");
    const legend = html("ul", { className: "legend" }, figure);
    const reading = html("output", {}, figure);
    reading.setAttribute("aria-live", "polite");
    const button = (text, label, action) => {
      const made = html("button", { type: "button", className: "small", textContent: text, title: label }, caption);
      made.setAttribute("aria-label", label + ": " + spec.title);
      made.addEventListener("click", action);
      return made;
    };
    const whole = () => {
      const xs = spec.series.flatMap(one => one.x.length ? [one.x[0], one.x[one.x.length - 1]] : []);
      const [low, high] = [Math.min(...xs), Math.max(...xs)];
      return low < high ? [low, high] : [low - 0.5, high + 0.5];
    };
    const zoom = (factor, middle) => {
      const all = whole(), now = range || all, at = middle === undefined ? (now[0] + now[1]) / 2 : middle;
      const next = [Math.max(all[0], at + (now[0] - at) * factor), Math.min(all[1], at + (now[1] - at) * factor)];
      range = next[1] - next[0] >= all[1] - all[0] ? null : next;
      draw();
    };
    const pan = direction => {
      if (!range) return;
      const all = whole(), width = range[1] - range[0];
      const low = Math.min(Math.max(all[0], range[0] + direction * width / 4), all[1] - width);
      range = [low, low + width];
      draw();
    };
    const logButton = button("log", "Logarithmic scale", () => { log = !log; draw(); });
    button("−", "Zoom out", () => zoom(2));
    button("+", "Zoom in", () => zoom(0.5));
    const resetButton = button("all", "Show all", () => { range = null; draw(); });

    const values = one => spec.smooth && share > 0 && one.y.length >= 8 ? smoothed(one.y, share) : one.y;
    const draw = () => {
      const width = Math.max(260, plot.clientWidth || 560), height = Math.round(Math.min(320, Math.max(190, width * 0.5)));
      const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, width, height });
      const [x0, x1] = range || whole();
      const shown = spec.series.map((one, i) => ({ ...one, i, line: values(one) })).filter(one => !hidden.has(one.i));
      const inside = shown.flatMap(one => [one.y, one.line].flatMap(ys => ys.filter((y, k) => y !== null && one.x[k] >= x0 && one.x[k] <= x1)));
      const positive = inside.length > 0 && inside.every(y => y > 0);
      logButton.disabled = !positive;
      const usesLog = log && positive;
      logButton.setAttribute("aria-pressed", usesLog);
      resetButton.disabled = !range;
      const to = y => usesLog ? Math.log10(y) : y;
      let y0 = Math.min(...inside.map(to)), y1 = Math.max(...inside.map(to));
      if (!inside.length) [y0, y1] = [0, 1];
      if (spec.zero && !usesLog) [y0, y1] = [Math.min(y0, 0), Math.max(y1, 0)];
      const room = (y1 - y0) * 0.05 || Math.abs(y1) * 0.05 || 0.5;
      [y0, y1] = [spec.zero && !usesLog && y0 === 0 ? 0 : y0 - room, y1 + room];
      const steps = ticks(y0, y1, height / 45).map(at => ({ at, text: short(usesLog ? 10 ** at : at) }));
      const left = 14 + 7 * Math.max(2, ...steps.map(step => step.text.length)), right = 12, top = 8, bottom = 30;
      const px = x => left + (x - x0) / (x1 - x0) * (width - left - right);
      const py = y => height - bottom - (to(y) - y0) / (y1 - y0) * (height - top - bottom);
      for (const { at, text } of steps) {
        const y = height - bottom - (at - y0) / (y1 - y0) * (height - top - bottom);
        make("line", { class: "grid", x1: left, x2: width - right, y1: y, y2: y }, svg);
        make("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, svg, text);
      }
      for (const at of ticks(x0, x1, width / 90)) {
        make("line", { class: "axis", x1: px(at), x2: px(at), y1: height - bottom, y2: height - bottom + 4 }, svg);
        make("text", { x: px(at), y: height - bottom + 17, "text-anchor": "middle" }, svg, short(at));
      }
      make("line", { class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }, svg);
      const clip = `clip-${figure.dataset.n}`;
      make("rect", { x: left - 4, y: top - 4, width: width - left - right + 8, height: height - top - bottom + 8 }, make("clipPath", { id: clip }, svg));
      const lines = make("g", { "clip-path": `url(#${clip})` }, svg);
      const path = (one, ys, faint) => {
        let d = "", pen = false;
        one.x.forEach((x, k) => {
          const y = ys[k];
          if (y === null || (usesLog && y <= 0)) { pen = false; return; }
          d += (pen ? "L" : "M") + px(x).toFixed(1) + " " + py(y).toFixed(1);
          pen = true;
        });
        make("path", { d, class: faint ? "faint" : "", style: `stroke: var(--c${one.i % colors})` }, lines);
      };
      for (const one of shown) {
        if (one.line !== one.y) path(one, one.y, true);
        path(one, one.line, false);
        const near = one.x.map((x, k) => k).filter(k => one.x[k] >= x0 && one.x[k] <= x1 && one.y[k] !== null);
        if ((spec.marks && near.length <= 60) || one.y.length === 1)
          for (const k of near)
            make("circle", { cx: px(one.x[k]), cy: py(one.line[k]), r: 3, style: `fill: var(--c${one.i % colors})` }, lines);
      }
      view = { svg, px, left, right, top, bottom, width, height, x0, x1, shown };
      plot.replaceChildren(svg);
      plot.setAttribute("aria-label", `${spec.title} over ${spec.x}, ` + spec.series.map(one => {
        const last = one.y.filter(y => y !== null).pop();
        return `${one.name}: last ${short(last === undefined ? null : last)}`;
      }).join("; ") + ". Arrow keys read values, plus and minus zoom, 0 shows all.");
      point();
    };
    // The reading: the logged value nearest to the cursor.
    const point = () => {
      if (!view) return;
      view.svg.querySelectorAll(".cursor").forEach(old => old.remove());
      if (cursor === null || !view.shown.length) { reading.textContent = ""; return; }
      const at = Math.min(Math.max(cursor, view.x0), view.x1);
      let nearest = null;
      const parts = view.shown.filter(one => one.x.length).map(one => {
        let best = 0;
        one.x.forEach((x, k) => { if (Math.abs(x - at) < Math.abs(one.x[best] - at)) best = k; });
        if (nearest === null || Math.abs(one.x[best] - at) < Math.abs(nearest - at)) nearest = one.x[best];
        return (spec.series.length > 1 ? one.name + " " : "") + short(one.y[best]) + (one.x[best] !== nearest ? ` (at ${short(one.x[best])})` : "");
      });
      if (nearest === null) return;
      make("line", { class: "cursor", x1: view.px(nearest), x2: view.px(nearest), y1: view.top, y2: view.height - view.bottom }, view.svg);
      reading.textContent = `${spec.x} ${short(nearest)}: ${parts.join(", ")}`;
    };
    const place = event => {
      const box = view.svg.getBoundingClientRect();
      const x = (event.clientX - box.left) * view.width / box.width;
      return view.x0 + (x - view.left) / (view.width - view.left - view.right) * (view.x1 - view.x0);
    };
    plot.addEventListener("pointerdown", event => {
      if (event.button !== 0) return;
      dragged = place(event);
      plot.setPointerCapture(event.pointerId);
    });
    plot.addEventListener("pointermove", event => {
      cursor = place(event);
      point();
      view.svg.querySelectorAll(".selection").forEach(old => old.remove());
      if (dragged === null) return;
      const [a, b] = [dragged, cursor].map(x => view.px(Math.min(Math.max(x, view.x0), view.x1))).sort((p, q) => p - q);
      make("rect", { class: "selection", x: a, y: view.top, width: b - a, height: view.height - view.top - view.bottom }, view.svg);
    });
    const release = event => {
      if (dragged === null) return;
      const [a, b] = [dragged, place(event)].map(x => Math.min(Math.max(x, view.x0), view.x1)).sort((p, q) => p - q);
      dragged = null;
      if (event.type === "pointerup" && view.px(b) - view.px(a) > 6) range = [a, b];
      draw();
    };
    plot.addEventListener("pointerup", release);
    plot.addEventListener("pointercancel", release);
    plot.addEventListener("pointerleave", () => { if (dragged === null) { cursor = null; point(); } });
    plot.addEventListener("dblclick", () => { range = null; draw(); });
    plot.addEventListener("keydown", event => {
      const step = (view.x1 - view.x0) / 50;
      const actions = {
        "+": () => zoom(0.5, cursor === null ? undefined : cursor), "=": () => zoom(0.5), "-": () => zoom(2),
        "0": () => { range = null; draw(); }, Escape: () => { range = null; cursor = null; draw(); },
        ArrowLeft: () => event.shiftKey ? pan(-1) : (cursor = Math.max(view.x0, (cursor === null ? view.x1 : cursor) - step), point()),
        ArrowRight: () => event.shiftKey ? pan(1) : (cursor = Math.min(view.x1, (cursor === null ? view.x0 : cursor) + step), point()),
      };
      if (!actions[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      actions[event.key]();
    });
    const names = () => {
      legend.replaceChildren();
      if (spec.series.length < 2) return;
      spec.series.forEach((one, i) => {
        const entry = html("button", { type: "button" }, html("li", {}, legend));
        html("span", { className: "swatch" }, entry).style.setProperty("--swatch", `var(--c${i % colors})`);
        entry.append(one.name);
        entry.setAttribute("aria-pressed", !hidden.has(i));
        entry.addEventListener("click", () => {
          if (!hidden.delete(i)) hidden.add(i);
          entry.setAttribute("aria-pressed", !hidden.has(i));
          draw();
        });
      });
    };
    figure.dataset.n = charts.length;
    const made = {
      smooth: wanted => { share = wanted; draw(); },
      update: next => {
        const renamed = next.series.map(one => one.name).join("\n") !== spec.series.map(one => one.name).join("\n");
        spec = next;
        if (renamed) names();
        draw();
      },
    };
    charts.push(made);
    names();
    draw();
    let seen = plot.clientWidth;
    new ResizeObserver(() => { if (plot.clientWidth !== seen) { seen = plot.clientWidth; draw(); } }).observe(plot);
    return made;
  };

  // Pictures in full size; left and right go on to the next.
  const pictures = () => {
    const all = [...document.querySelectorAll(".pictures button")];
    if (!all.length) return;
    const dialog = html("dialog", {}, document.body);
    const image = html("img"), bar = html("div", { className: "tool" }, dialog), words = html("p", {}, bar);
    let at = 0;
    const show = index => {
      at = (index + all.length) % all.length;
      const picture = all[at].querySelector("img");
      image.src = picture.src;
      image.alt = picture.alt;
      dialog.prepend(image); // not before: an image without an address is one that is missing
      words.textContent = all[at].closest("figure").querySelector("figcaption").textContent.replace(/\s+/g, " ").trim();
    };
    for (const [text, label, action] of [["←", "Previous picture", () => show(at - 1)], ["→", "Next picture", () => show(at + 1)],
      ["Close", "Close", () => dialog.close()]]) {
      const button = html("button", { type: "button", className: "small", textContent: text }, bar);
      button.setAttribute("aria-label", label);
      button.addEventListener("click", action);
    }
    all.forEach((button, index) => button.addEventListener("click", () => { show(index); dialog.showModal(); }));
    dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("keydown", event => {
      if (event.key === "ArrowLeft") show(at - 1);
      if (event.key === "ArrowRight") show(at + 1);
    });
  };

  const theme = () => {
    const button = document.getElementById("theme");
    if (!button) return;
    const root = document.documentElement;
    const kept = () => { try { return localStorage.getItem("tessera-theme"); } catch { return null; } };
    const set = wanted => {
      if (wanted) root.dataset.theme = wanted; else delete root.dataset.theme;
      button.textContent = wanted ? (wanted === "dark" ? "Dark" : "Light") : "Auto";
      try { if (wanted) localStorage.setItem("tessera-theme", wanted); else localStorage.removeItem("tessera-theme"); } catch { /* a file */ }
    };
    set(kept() === "dark" || kept() === "light" ? kept() : null);
    button.addEventListener("click", () => set({ "": "light", light: "dark", dark: null }[root.dataset.theme || ""]));
  };

  const start = () => {
    theme();
    document.querySelectorAll("table.sortable").forEach(sortable);
    document.querySelectorAll("input[data-table]").forEach(filter);
    document.querySelectorAll("figure.chart").forEach(figure => {
      const data = figure.querySelector('script[type="application/json"]');
      if (data) chart(figure, JSON.parse(data.textContent));
    });
    const slider = document.getElementById("smoothing");
    if (slider) slider.addEventListener("input", () => charts.forEach(one => one.smooth(Number(slider.value))));
    pictures();
    const closed = new Set();
    addEventListener("beforeprint", () => document.querySelectorAll("details:not([open])").forEach(one => { closed.add(one); one.open = true; }));
    addEventListener("afterprint", () => { closed.forEach(one => { one.open = false; }); closed.clear(); });
  };
  start();
  return { chart, html, short };
})();
