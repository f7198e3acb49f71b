// Max's scheduler and Live's transport in virtual time, so that playing is tested to the tick and without waiting.
'use strict';

const TICKS_PER_BEAT = 480;
const TICKS_PER_SIXTEENTH = 120;

class Scheduler {
  constructor(runInScheduler) {
    this.run = runInScheduler;
    this.now = 0; // ms
    this.ticks = 0;
    this.next = 0;
    this.tempo = 120;
    this.playing = false;
    this.signatures = [{tick: 0, numerator: 4, denominator: 4}]; // each from a bar's start on
    this.events = [];
    this.metros = new Map();
  }

  msPerTick() {
    return 60000 / this.tempo / TICKS_PER_BEAT;
  }

  /** The song has this time signature from a beat (quarter note) on, which is a bar's start. */
  signature(numerator, denominator, fromBeat = 0) {
    const tick = fromBeat * TICKS_PER_BEAT;
    this.signatures = [...this.signatures.filter((other) => other.tick < tick), {tick, numerator, denominator}];
  }

  /** Where the song is: bar and beat from 1, and the ticks since that beat, which is the signature's lower number. */
  place() {
    let bars = 0;
    for (const [i, {tick, numerator, denominator}] of this.signatures.entries()) {
      const perBeat = 4 * TICKS_PER_BEAT / denominator;
      const next = this.signatures[i + 1];
      if (next && this.ticks >= next.tick) {
        bars += Math.ceil((next.tick - tick) / (perBeat * numerator));
        continue;
      }
      const beats = Math.floor((this.ticks - tick) / perBeat);
      return {
        bar: bars + Math.floor(beats / numerator) + 1, beat: beats % numerator + 1,
        units: (this.ticks - tick) - beats * perBeat, numerator, denominator,
      };
    }
    throw new Error('no signature');
  }

  after(ms, action) {
    const event = {time: this.now + ms, action};
    this.events.push(event);
    return () => { this.events = this.events.filter((other) => other !== event); };
  }

  /** period null: every sixteenth of the running transport, on the sixteenth. */
  metro(key, period, action) {
    this.stopMetro(key);
    if (period === null) {
      this.metros.set(key, {action});
      return;
    }
    const metro = {action, cancel: null};
    const beat = () => {
      metro.cancel = this.after(period, beat);
      action();
    };
    metro.cancel = this.after(period, beat);
    this.metros.set(key, metro);
  }

  stopMetro(key) {
    const metro = this.metros.get(key);
    if (metro && metro.cancel) metro.cancel();
    this.metros.delete(key);
  }

  play(fromBeats = 0) {
    this.ticks = fromBeats * TICKS_PER_BEAT;
    this.next = Math.ceil(this.ticks / TICKS_PER_SIXTEENTH); // the sixteenth that is due next
    this.playing = true;
    if (this.ticks === this.next * TICKS_PER_SIXTEENTH) this.sixteenth();
  }

  stop() {
    this.playing = false;
  }

  sixteenth() {
    this.ticks = this.next * TICKS_PER_SIXTEENTH;
    this.next++;
    for (const metro of [...this.metros.values()]) if (!metro.cancel) this.run(metro.action);
  }

  /** Let virtual time pass; what is due happens in order. */
  async advance(ms, settle) {
    const end = this.now + ms;
    for (;;) {
      const left = Math.max(0, this.next * TICKS_PER_SIXTEENTH - this.ticks) * this.msPerTick();
      const sixteenthAt = this.playing ? this.now + left : Infinity;
      const event = this.events.reduce((first, other) => (!first || other.time < first.time ? other : first), null);
      const eventAt = event ? event.time : Infinity;
      const at = Math.min(sixteenthAt, eventAt, end);
      if (this.playing) this.ticks += (at - this.now) / this.msPerTick();
      this.now = at;
      if (eventAt <= at) {
        this.events = this.events.filter((other) => other !== event);
        this.run(event.action);
      } else if (sixteenthAt <= at) {
        this.sixteenth();
      } else {
        return;
      }
      await settle();
    }
  }
}

module.exports = {Scheduler};
