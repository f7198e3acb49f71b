// Key and scale: the controls of shared/scale.yaml as options for the daemon.

var ROOTS = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

// The daemon's options for the key and scale controls: `scale` 0 follows Live, 1 is off, 2... are SCALES.
function scaleOptions() {
    if (modelPart() === "drums" || settings.scale === 1) {
        return {options: [], words: ""};
    }
    /** @type {*} */
    var wanted = {root: settings.root || 0, scale: settings.scale > 1 ? SCALES[settings.scale - 2][0] : ""};
    if (!settings.scale) {
        wanted = liveScale();
        if (wanted.error || wanted.off) {
            return {options: [], words: "", note: wanted.error};
        }
    }
    return {
        options: ["root", wanted.root, "scale", wanted.scale],
        words: ROOTS[wanted.root] + " " + wanted.scale
    };
}

