'use strict';
// Tables: a click on a heading sorts, another one turns the order.
for (const table of document.querySelectorAll('table.sortable')) {
  const heads = [...table.tHead.rows[0].cells];
  const first = table.tBodies[0].rows[0];
  heads.forEach((head, column) => {
    if (first && first.cells[column].className === 'number') head.className = 'number';
    head.addEventListener('click', () => {
      const down = head.getAttribute('aria-sort') !== 'descending';
      heads.forEach(other => other.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const key = row => {
        const cell = row.cells[column];
        if (!('value' in cell.dataset)) return cell.textContent;
        return cell.dataset.value === '' ? NaN : Number(cell.dataset.value);
      };
      const rows = [...table.tBodies[0].rows].sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
        const order = typeof x === 'string' || typeof y === 'string'
          ? String(x).localeCompare(String(y)) : x - y;
        return down ? -order : order;
      });
      table.tBodies[0].append(...rows);
    });
  });
}

// Plots: the values under the mouse.
const tip = document.getElementById('tip');
const show = (event, lines) => {
  tip.replaceChildren(...lines.map(([name, value, kind]) => {
    const line = document.createElement('div');
    const left = document.createElement('span');
    const right = document.createElement('span');
    left.textContent = name;
    left.className = kind || '';
    right.textContent = value;
    line.append(left, right);
    return line;
  }));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = event.clientX + 16 + box.width > innerWidth ? event.clientX - 16 - box.width : event.clientX + 16;
  tip.style.left = `${Math.max(0, left)}px`;
  tip.style.top = `${Math.max(0, Math.min(event.clientY - 12, innerHeight - box.height))}px`;
};
const at = (svg, event) => {
  const point = new DOMPoint(event.clientX, event.clientY);
  return point.matrixTransform(svg.getScreenCTM().inverse());
};
const number = value => String(Number(value.toPrecision(4)));
const valueOn = (text, pixel) => {
  const [low, high, start, end, log] = text.split(',').map(Number);
  const share = (pixel - start) / (end - start);
  return log ? low * (high / low) ** share : low + share * (high - low);
};
for (const svg of document.querySelectorAll('svg[data-kind=line]')) {
  const curves = [...svg.querySelectorAll('path[data-name]')].map(path => ({
    name: path.dataset.name,
    kind: path.getAttribute('class').split(' ')[1],
    points: path.getAttribute('d').split(/[ML]/).slice(1).map(pair => pair.split(' ').map(Number)),
  })).filter(curve => curve.points.length);
  const cursor = svg.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'path'));
  cursor.setAttribute('class', 'cursor');
  svg.addEventListener('mousemove', event => {
    const x = at(svg, event).x;
    const nearest = curves.map(curve => curve.points.reduce(
      (best, point) => Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best));
    if (!nearest.length) return;
    const place = nearest.reduce((a, b) => Math.abs(a[0] - x) < Math.abs(b[0] - x) ? a : b)[0];
    cursor.setAttribute('d', `M${place} 10V214`);
    const lines = curves.map((curve, k) => [
      curve.name || 'value', number(valueOn(svg.dataset.y, nearest[k][1])), curve.kind]);
    show(event, [[number(valueOn(svg.dataset.x, place)), ''], ...lines]);
  });
  svg.addEventListener('mouseleave', () => { tip.hidden = true; cursor.removeAttribute('d'); });
}
for (const svg of document.querySelectorAll('svg[data-kind=matrix]')) {
  const rows = svg.dataset.rows.split('|');
  const columns = svg.dataset.columns.split('|');
  const shares = atob(svg.dataset.values);
  const [left, top, width, height] = svg.dataset.place.split(',').map(Number);
  svg.addEventListener('mousemove', event => {
    const point = at(svg, event);
    const i = Math.floor((point.y - top) / height * rows.length);
    const j = Math.floor((point.x - left) / width * columns.length);
    if (!(i in rows) || !(j in columns)) { tip.hidden = true; return; }
    const share = shares.charCodeAt(i * columns.length + j) / 2.5;
    show(event, [[svg.dataset.row, rows[i]], [svg.dataset.column, columns[j]], ['', `${number(share)} %`]]);
  });
  svg.addEventListener('mouseleave', () => { tip.hidden = true; });
}
