// The XY pad of MusicVAE Morph: the plane's cells, its corners, where X and Y are and what sounds. A is at the bottom
// left, B at the bottom right, C above A, D above B.

painter = paintPad;

var PAD_MARGIN = 16;
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
    pad = {x: PAD_MARGIN, y: top + PAD_MARGIN, width: width - 2 * PAD_MARGIN, height: height - top - 2 * PAD_MARGIN};
    block(4, top, width - 8, height - top - 4, "grid", 0.35);
    if (shownClip) {
        drawRoll(4, top, width - 8, height - top - 4, shownClip, 0.3, false);
    }
    for (var index = 0; index < columns * rows; index++) {
        var column = index % columns;
        var x = columns > 1 ? column / (columns - 1) : 0.5;
        var y = rows > 1 ? (index - column) / columns / (rows - 1) : 0.5;
        dot(padX(x), padY(y), index === sounding ? 4 : 2, index === sounding ? "on" : "dim");
    }
    for (var name in CORNER_AT) {
        if (wantedNumber === 4 || CORNER_AT[name][1] === 0) {
            paintCorner(name, top, width, height);
        }
    }
    color("text");
    mgraphics.set_line_width(1.5);
    mgraphics.ellipse(padX(handle[0]) - 6, padY(wantedNumber === 2 ? 0.5 : handle[1]) - 6, 12, 12);
    mgraphics.stroke();
}

function dot(x, y, radius, name) {
    color(name);
    mgraphics.ellipse(x - radius, y - radius, 2 * radius, 2 * radius);
    mgraphics.fill();
}

function paintCorner(name, top, width, height) {
    var place = CORNER_AT[name];
    var label = name.toUpperCase();
    var x = place[0] ? width - 16 : 7;
    var y = place[1] ? top + 13 : height - 8;
    words(x, y, label, 11, corners[name] ? "busy" : "dim");
    if (corners[name]) {
        var title = lines(corners[name], 8, width / 2 - 30, 1)[0];
        words(place[0] ? width - 20 - textWidth(title, 8) : 18, y, title, 8, "dim");
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
