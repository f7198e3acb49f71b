// mgraphics: `recorder` keeps nothing but checks names; `paintBox` runs a jsui's paint() on a canvas for a PNG.
'use strict';

const rgba = ([r, g, b, a]) => `rgba(${Math.round(r * 255)},${Math.round(g * 255)},${Math.round(b * 255)},${a})`;

/** An mgraphics of a box's size. Until a canvas is given by use(), drawing goes nowhere. */
function recorder([, , width, height]) {
  let context = null;
  const draw = (action) => (...args) => (context ? action(context, ...args) : undefined);
  return {
    size: [width, height],
    redraws: 0,
    use(target) { context = target; },
    init() {},
    redraw() { this.redraws++; },
    set_source_rgba: draw((c, ...color) => { c.fillStyle = c.strokeStyle = rgba(color); }),
    rectangle: draw((c, ...rect) => { c.beginPath(); c.rect(...rect); }),
    ellipse: draw((c, x, y, w, h) => { c.beginPath(); c.ellipse(x + w / 2, y + h / 2, w / 2, h / 2, 0, 0, 7); }),
    fill: draw((c) => c.fill()),
    stroke: draw((c) => c.stroke()),
    set_line_width: draw((c, w) => { c.lineWidth = w; }),
    select_font_face: draw((c, face) => { c.face = face; }),
    set_font_size: draw((c, size) => { c.font = `${size}px "${c.face}", "Liberation Sans", "DejaVu Sans"`; }),
    move_to: draw((c, x, y) => { c.at = [x, y]; }),
    show_text: draw((c, text) => c.fillText(text, ...c.at)),
    text_measure: (text) => (context ? [context.measureText(text).width, 10] : [String(text).length * 5, 10]),
  };
}

module.exports = {recorder};
