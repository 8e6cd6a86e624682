// Recordings of the mixers of one core: what everybody together says, and what is played to the room, as one channel. A recording ends
// with its mixer.

import type { RecordingCommand } from './audio-messages.ts';
import type { Mixer, MixListener } from './mixer.ts';
import { Recordings, type RecordingsHost } from './recordings.ts';

interface RecordedMixer {
  readonly recordings: Recordings;
  readonly listener: MixListener;
}

export class MixerRecordings {
  readonly #host: RecordingsHost;
  readonly #recorded = new Map<Mixer, RecordedMixer>();

  constructor(host: RecordingsHost) {
    this.#host = host;
  }

  /** `mixer` undefined: it is not (or no longer) in this core. */
  obey(mixer: Mixer | undefined, command: RecordingCommand): void {
    if (command.type === 'startRecording') return this.#start(mixer, command);
    const recorded = mixer && this.#recorded.get(mixer);
    if (!recorded) return;
    recorded.recordings.obey(command);
    this.#settle(mixer, recorded);
  }

  #start(
    mixer: Mixer | undefined,
    { endpoint, recording, options }: RecordingCommand & { type: 'startRecording' },
  ): void {
    if (!mixer) {
      const result = { file: options.file, durationMs: 0, speech: null, failure: 'there is no such mixer' };
      return this.#host.emit({ type: 'recordingEnded', endpoint, recording, result });
    }
    let recorded = this.#recorded.get(mixer);
    if (!recorded) {
      recorded = this.#listen(mixer, new Recordings(endpoint, this.#host));
      this.#recorded.set(mixer, recorded);
    }
    recorded.recordings.start(recording, options);
  }

  #listen(mixer: Mixer, recordings: Recordings): RecordedMixer {
    const listener: MixListener = {
      mixedFrame: (samples, _, frame) => {
        recordings.take(frame, { samples, state: 'audio' }, null);
        this.#settle(mixer, { recordings, listener });
      },
      mixerEnded: () => {
        recordings.stopAll();
        this.#recorded.delete(mixer);
      },
    };
    mixer.listen(listener);
    return { recordings, listener };
  }

  #settle(mixer: Mixer, { recordings, listener }: RecordedMixer): void {
    if (!recordings.isEmpty) return;
    mixer.unlisten(listener);
    this.#recorded.delete(mixer);
  }
}
