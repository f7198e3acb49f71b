// The XY pad of MusicVAE Morph: the plane's cells, its corners, where X and Y are and what sounds. A is at the bottom
// left, B at the bottom right, C above A, D above B. Beside it the notes of the cell that X and Y point at.

painter = paintPad;

var PAD_SHARE = 0.52; // of the view's width
var PAD_MARGIN = 10; // around the outer cells, so that they can be pointed at
var STRIP = 15; // for the corners' names above and below
var CORNER_AT = {a: [0, 0], b: [1, 0], c: [0, 1], d: [1, 1]};
var corners = {};
var wantedNumber = 4;
var columns = 0;
var rows = 0;
var handle = [0.5, 0.5];
var sounding = 0;
var pad = {x: 0, y: 0, width: 1, height: 1};

function corner(name, title) {
    corners[name] = String(title);
    mgraphics.redraw();
}

function wanted(number) {
    wantedNumber = number;
    mgraphics.redraw();
}

function grid(newColumns, newRows) {
    columns = newColumns;
    rows = newRows;
    mgraphics.redraw();
}

function xy(x, y) {
    handle = [x, y];
    mgraphics.redraw();
}

function playing(index) {
    sounding = index;
    mgraphics.redraw();
}

function padX(x) {
    return pad.x + x * pad.width;
}

function padY(y) {
    return pad.y + (1 - y) * pad.height;
}

function paintPad(top, width, height) {
    var right = Math.round(width * PAD_SHARE);
    var bottom = height - 2;
    block(4, top + STRIP, right - 4, bottom - top - 2 * STRIP, "grid", 0.5);
    pad = {
        x: 4 + PAD_MARGIN, y: top + STRIP + PAD_MARGIN,
        width: right - 4 - 2 * PAD_MARGIN, height: bottom - top - 2 * (STRIP + PAD_MARGIN)
    };
    for (var index = 0; index < columns * rows; index++) {
        var column = index % columns;
        var x = columns > 1 ? column / (columns - 1) : 0.5;
        var y = rows > 1 ? (index - column) / columns / (rows - 1) : 0.5;
        dot(padX(x), padY(y), index === sounding ? 4 : 1.5, index === sounding ? "on" : "dim");
    }
    for (var name in CORNER_AT) {
        if (wantedNumber === 4 || CORNER_AT[name][1] === 0) {
            paintCorner(name, 4, right, top + 11, bottom - 4);
        }
    }
    paintHandle(padX(handle[0]), padY(wantedNumber === 2 ? 0.5 : handle[1]));
    if (shownClip) {
        drawRoll(right + 8, top + 2, width - right - 12, height - top - 6, shownClip, 1, true);
    }
}

function paintHandle(x, y) {
    block(x, pad.y - PAD_MARGIN, 1, pad.height + 2 * PAD_MARGIN, "text", 0.2);
    block(pad.x - PAD_MARGIN, y, pad.width + 2 * PAD_MARGIN, 1, "text", 0.2);
    color("text");
    mgraphics.set_line_width(1.5);
    mgraphics.ellipse(x - 6, y - 6, 12, 12);
    mgraphics.stroke();
}

function dot(x, y, radius, name) {
    color(name);
    mgraphics.ellipse(x - radius, y - radius, 2 * radius, 2 * radius);
    mgraphics.fill();
}

// A corner's letter and clip in its strip, between left and right.
function paintCorner(name, left, right, above, below) {
    var place = CORNER_AT[name];
    var y = place[1] ? above : below;
    words(place[0] ? right - 10 : left + 2, y, name.toUpperCase(), 11, corners[name] ? "busy" : "dim");
    if (corners[name]) {
        var title = lines(corners[name], 8, (right - left) / 2 - 20, 1)[0];
        words(place[0] ? right - 14 - textWidth(title, 8) : left + 14, y, title, 8, "dim");
    }
}

function pointTo(x, y) {
    outlet(0, clamp((x - pad.x) / pad.width, 0, 1), clamp(1 - (y - pad.y) / pad.height, 0, 1));
}

function onclick(x, y) {
    pointTo(x, y);
}

function ondrag(x, y) {
    pointTo(x, y);
}
