// Says when somebody speaks: the energy of each 20 ms against a floor that follows the noise of the line. Pure, one per track.
//
//   level      ▁▁▁▂▁▁▆█▇▅▇▁▁▆▇▁▁▁▁▁▁▁▁▁▁▁▁▁
//   voiced     ······│█████··██│············    above floor + 9 dB
//   speaking   ········│███████████████│····    three voiced frames begin it, 200 ms without one end it
//
// What is missing is nothing, neither speech nor silence: a lost packet ends no sentence. Only when nothing has come for a second
// (a peer that does not send while it is silent) does it count as silence.

const FRAME_MS = 20;
/** Mean square of a sine of 0 dBm0: 3.14 dB below full scale (G.711). */
const ZERO_DBM0 = (32_767 ** 2 / 2) * 10 ** -0.314;
/** Above the floor by so much is voice. */
const MARGIN_DB = 9;
const FLOOR_START_DB = -52;
const FLOOR_MIN_DB = -58;
/** Sound above this and the margin is always taken for speech, however even it is. */
const FLOOR_MAX_DB = -32;
/** How fast the floor follows: down, up between words, up while voiced. Per frame. */
const FALL = 0.1;
const RISE_DB = 0.1;
const RISE_VOICED_DB = 0.02;
const ONSET_FRAMES = 3;
const MISSING_FRAMES = 50;

/** How long after the last voiced frame `isSpeaking` stays. */
export const SPEECH_HANGOVER_MS = 200;
const HANGOVER_FRAMES = SPEECH_HANGOVER_MS / FRAME_MS;

export class SpeechActivity {
  /** Somebody speaks, short pauses between words included. */
  isSpeaking = false;
  /** The last frame was voiced, and is part of speech. */
  isVoiced = false;
  #floorDb = FLOOR_START_DB;
  /** Voiced frames in a row, a single unvoiced one between them forgiven. */
  #run = 0;
  #runFrames = 0;
  #unvoiced = 0;
  #missing = 0;

  /** Milliseconds from the start of the first voiced frame to the end of the last one pushed; valid while speech begins. */
  get onsetMs(): number {
    return this.#runFrames * FRAME_MS;
  }

  /** One frame; `samples` null: it is missing. True when `isSpeaking` changed. */
  push(samples: Int16Array | null): boolean {
    if (samples === null) {
      this.isVoiced = false;
      this.#missing += 1;
      if (this.#missing < MISSING_FRAMES || !this.isSpeaking) return false;
      return this.#end();
    }
    this.#missing = 0;
    const levelDb = levelOf(samples);
    const isVoiced = levelDb > this.#floorDb + MARGIN_DB;
    this.#follow(levelDb, isVoiced);
    return this.isSpeaking ? this.#goOn(isVoiced) : this.#wait(isVoiced);
  }

  #goOn(isVoiced: boolean): boolean {
    this.isVoiced = isVoiced;
    this.#unvoiced = isVoiced ? 0 : this.#unvoiced + 1;
    return this.#unvoiced >= HANGOVER_FRAMES && this.#end();
  }

  #wait(isVoiced: boolean): boolean {
    this.#run = isVoiced ? this.#run + 1 : Math.max(0, this.#run - 1);
    this.#runFrames = this.#run === 0 ? 0 : this.#runFrames + 1;
    if (this.#run < ONSET_FRAMES) return false;
    this.isSpeaking = true;
    this.isVoiced = true;
    this.#unvoiced = 0;
    this.#run = 0;
    return true;
  }

  #end(): boolean {
    this.isSpeaking = false;
    this.isVoiced = false;
    this.#run = 0;
    this.#runFrames = 0;
    return true;
  }

  #follow(levelDb: number, isVoiced: boolean): void {
    const difference = levelDb - this.#floorDb;
    const step = difference < 0 ? difference * FALL : Math.min(difference, isVoiced ? RISE_VOICED_DB : RISE_DB);
    this.#floorDb = Math.min(FLOOR_MAX_DB, Math.max(FLOOR_MIN_DB, this.#floorDb + step));
  }
}

/** Level in dBm0. */
function levelOf(samples: Int16Array): number {
  let energy = 0;
  for (let index = 0; index < samples.length; index++) energy += samples[index]! * samples[index]!;
  return 10 * Math.log10((energy / samples.length + 1e-3) / ZERO_DBM0);
}
