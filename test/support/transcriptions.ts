// Live transcriptions for tests of other things: no recogniser, none runs.

import { AudioListeners } from '../../src/media/audio-listeners.ts';
import { noRecogniser } from '../../src/speech/recogniser.ts';
import { LiveTranscriptions } from '../../src/transcription/live.ts';
import { VirtualClock } from './virtual-clock.ts';

const silentEngine = { tap: () => '', closeTap() {}, watchSpeech() {}, onEvent: () => () => {} };

export const noTranscriptions = new LiveTranscriptions({
  recogniser: noRecogniser,
  audio: new AudioListeners(silentEngine),
  callBack: () => {},
  clock: new VirtualClock(),
  random: (size) => Buffer.alloc(size),
});
