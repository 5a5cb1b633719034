// Trend of one point: gaps stay gaps, quality is a band below, the end of the data is an edge with its age.
(function () {
  "use strict";
  var place = document.getElementById("plot"), plot = null, words, REFRESH_MS = 5000;
  var COLOURS = { G: "#AEB4B8", U: "#6E757B", B: "#1C1F22" };
  if (!place || !window.uPlot) { return; }
  words = place.dataset.words.split("|");

  function beijing(seconds) {
    return new Date((seconds + 8 * 3600) * 1000).toISOString().replace("T", " ").slice(0, 19);
  }

  function bandAndEdge(data) {
    return function (u) {
      var ctx = u.ctx, ratio = window.devicePixelRatio || 1, half = data.step_s / 2;
      var bottom = u.bbox.top + u.bbox.height, height = 6 * ratio;
      ctx.save();
      data.quality.split("").forEach(function (code, at) {
        if (!COLOURS[code]) { return; }
        var left = u.valToPos(data.t[at] - half, "x", true), right = u.valToPos(data.t[at] + half, "x", true);
        ctx.fillStyle = COLOURS[code];
        ctx.fillRect(left, bottom - height, Math.max(1, right - left + 0.5), height);
      });
      if (data.end !== null && data.end >= u.scales.x.min && data.end <= u.scales.x.max) {
        var x = u.valToPos(data.end, "x", true), near = x > u.bbox.left + u.bbox.width * 0.75;
        ctx.strokeStyle = ctx.fillStyle = "#1C1F22";
        ctx.lineWidth = ratio;
        ctx.setLineDash([5 * ratio, 4 * ratio]);
        ctx.beginPath();
        ctx.moveTo(x, u.bbox.top);
        ctx.lineTo(x, bottom);
        ctx.stroke();
        ctx.font = 12 * ratio + "px sans-serif";
        ctx.textAlign = near ? "right" : "left";
        ctx.fillText(place.dataset.end + " " + data.end_text, x + (near ? -6 : 6) * ratio, u.bbox.top + 14 * ratio);
      }
      ctx.restore();
    };
  }

  function number(u, value) { return value === null || value === undefined ? "—" : String(Number(value.toPrecision(6))); }

  function draw(data) {
    var unit = place.dataset.unit, width = place.clientWidth;
    if (!data.t.length || !width) { return; }
    if (plot) { plot.destroy(); plot = null; }
    place.replaceChildren();
    plot = new uPlot({
      width: width, height: 340,
      tzDate: function (ts) { return uPlot.tzDate(new Date(ts * 1000), "Asia/Shanghai"); },
      scales: { x: { range: [data.t0, data.t1] } },
      axes: [
        { stroke: "#55595E", grid: { stroke: "#E2E4E5" }, values: function (u, ticks) {
          return ticks.map(function (tick) { return beijing(tick).slice(data.t1 - data.t0 > 172800 ? 5 : 11, 19); });
        } },
        { stroke: "#55595E", grid: { stroke: "#E2E4E5" }, label: unit, size: 64 }
      ],
      series: [
        { label: words[3], value: function (u, ts) { return ts === null || ts === undefined ? "—" : beijing(ts); } },
        { label: words[1], stroke: "#8A9095", width: 1, spanGaps: false, value: number, points: { show: false } },
        { label: words[2], stroke: "#8A9095", width: 1, spanGaps: false, value: number, points: { show: false } },
        { label: words[0] + (unit ? " " + unit : ""), stroke: "#1C1F22", width: 2, spanGaps: false, value: number, points: { show: false } }
      ],
      bands: [{ series: [2, 1], fill: "rgba(28,31,34,.14)" }],
      hooks: { draw: [bandAndEdge(data)] }
    }, [data.t, data.low, data.high, data.average], place);
  }

  function load() {
    if (document.hidden) { return; }
    fetch(place.dataset.src, { headers: { Accept: "application/json" } })
      .then(function (answer) { return answer.ok ? answer.json() : null; })
      .then(function (data) { if (data) { draw(data); } })
      .catch(function () { /* the page's watchdog says so */ });
  }

  window.addEventListener("resize", load);
  load();
  setInterval(load, REFRESH_MS);
})();
