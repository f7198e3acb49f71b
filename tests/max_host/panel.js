// Draws a device's panel as Live shows it: the scripts' own drawing on a canvas behind mgraphics, and Live's controls
// in their places, so that a layout can be looked at.
'use strict';
const {createCanvas} = require('@napi-rs/canvas');
const {CONTROLS} = require('./controls');

const INK = '#c9cdd2';
const DIM = '#8f959c';
const FIELD = '#2b2e32';
const ACCENT = '#f5a13c';
const TITLE = 17; // Live's bar with the device's name
const TOOLS = {nagg: [152, 147], natt: [152, 147]};

/** PNG of a device's whole panel, `scale` pixels to Live's one. */
function drawPanel(device, scale = 2) {
  const [width, height] = TOOLS[device.type] || [device.width, 169];
  const canvas = createCanvas(width * scale, (height + TITLE) * scale);
  const c = canvas.getContext('2d');
  c.scale(scale, scale);
  c.fillStyle = '#44494f';
  c.fillRect(0, 0, width, height + TITLE);
  text(c, device.name, 6, 12, 10, '#fff', 'bold');
  c.translate(0, TITLE);
  c.fillStyle = '#383c41';
  c.fillRect(0, 0, width, height);
  for (const box of device.boxes.values()) {
    if (!box.json.presentation) continue;
    const [x, y, w, h] = box.json.presentation_rect;
    c.save();
    c.translate(x, y);
    c.beginPath();
    c.rect(0, 0, w, h);
    c.clip();
    drawBox(c, box, w, h);
    c.restore();
  }
  return canvas.toBuffer('image/png');
}

/** Run a jsui's paint() on a canvas context. */
function paintView(box, context) {
  box.graphics.use(context);
  try {
    box.script.global.paint();
  } finally {
    box.graphics.use(null);
  }
}

function drawBox(c, box, w, h) {
  const kind = box.json.maxclass;
  if (kind === 'jsui') return paintView(box, c);
  if (kind === 'live.comment') return text(c, box.json.text, 2, 11, 9, DIM);
  if (kind === 'live.dial') return drawDial(c, box, w);
  if (kind === 'umenu') return field(c, w, h, `${box.selected() || ''}`, true);
  if (!CONTROLS.has(kind)) return undefined;
  const value = box.value();
  if (kind === 'live.menu') return field(c, w, h, box.parameter.parameter_enum[value], true);
  if (kind === 'live.numbox') return field(c, w, h, String(Math.round(value)), false);
  const on = box.json.mode === 1 && value;
  c.fillStyle = on ? ACCENT : '#5a6067';
  c.beginPath();
  c.roundRect(0, 0, w, h, 3);
  c.fill();
  return text(c, on ? box.json.texton : box.json.text, w / 2, h / 2 + 3.5, 9.5, on ? '#222' : '#fff', 'bold', 'center');
}

function drawDial(c, box, w) {
  const {parameter_shortname: name, parameter_mmin: low, parameter_mmax: high} = box.parameter;
  const part = (box.value() - low) / (high - low);
  text(c, name, w / 2, 9, 9, INK, '', 'center');
  for (const [to, colour] of [[1, '#232629'], [part, ACCENT]]) {
    c.beginPath();
    c.arc(w / 2, 24, 9, Math.PI * 0.75, Math.PI * (0.75 + 1.5 * to));
    c.lineWidth = 3;
    c.strokeStyle = colour;
    c.stroke();
  }
  const shown = box.parameter.parameter_unitstyle === 5 ? `${Math.round(box.value())} %` : box.value().toFixed(2);
  text(c, shown, w / 2, 45, 9, INK, '', 'center');
}

function field(c, w, h, value, menu) {
  c.fillStyle = FIELD;
  c.fillRect(0, 0, w, h);
  text(c, value, menu ? 4 : w / 2, h / 2 + 3.5, 9.5, INK, '', menu ? 'left' : 'center');
  if (menu) {
    c.fillStyle = DIM;
    c.beginPath();
    c.moveTo(w - 10, h / 2 - 2);
    c.lineTo(w - 4, h / 2 - 2);
    c.lineTo(w - 7, h / 2 + 3);
    c.fill();
  }
}

function text(c, words, x, y, size, colour, weight = '', align = 'left') {
  c.font = `${weight} ${size}px Arial, "Liberation Sans", "DejaVu Sans"`;
  c.fillStyle = colour;
  c.textAlign = align;
  c.fillText(words, x, y);
  c.textAlign = 'left';
}

module.exports = {drawPanel, paintView};
