// Audio that an application gave in place of a document (twiml.md 2.5). It is played from what was answered: its URL may give it to this
// request only, by its method, parameters or signature. Kept from the answer to the Play that takes it; bounded over all calls.

import type { IncomingHttpHeaders } from 'node:http';
import { limits } from '../base/limits.ts';
import type { MediaFile } from './webhook.ts';

/** One answer on its way in. */
export interface AudioReservation {
  /** Whether so many bytes more may be taken. */
  mayTake(bytes: number): boolean;
  /** The answer is whole: keeps the file for the Play of `url` in this call, in place of one that nobody took. */
  keep(callSid: string, url: string, file: MediaFile): void;
  /** Gives back what was not kept. */
  release(): void;
}

export class AnsweredAudio {
  readonly #maxBytes: number;
  readonly #files = new Map<string, Map<string, MediaFile>>();
  #bytes = 0;

  constructor(maxBytes: number = limits.answeredAudioBytes) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes that are kept or on their way. */
  get bytes(): number {
    return this.#bytes;
  }

  /** False where it is known to be too much: the body is then left, and Play fetches the URL. */
  hasRoomFor(headers: IncomingHttpHeaders): boolean {
    const announced = Number(headers['content-length'] ?? 0);
    return announced <= limits.mediaFileBytes && this.#bytes + announced <= this.#maxBytes;
  }

  reserve(): AudioReservation {
    let taken = 0;
    return {
      mayTake: (bytes) => {
        if (taken + bytes > limits.mediaFileBytes || this.#bytes + bytes > this.#maxBytes) return false;
        taken += bytes;
        this.#bytes += bytes;
        return true;
      },
      keep: (callSid, url, file) => {
        // What was compressed is larger than what came in.
        this.#bytes += file.body.length - taken;
        taken = 0;
        this.take(callSid, url);
        const ofCall = this.#files.get(callSid) ?? new Map<string, MediaFile>();
        this.#files.set(callSid, ofCall.set(url, file));
      },
      release: () => {
        this.#bytes -= taken;
        taken = 0;
      },
    };
  }

  /** The file, once. */
  take(callSid: string, url: string): MediaFile | undefined {
    const ofCall = this.#files.get(callSid);
    const file = ofCall?.get(url);
    if (!ofCall || !file) return undefined;
    ofCall.delete(url);
    if (ofCall.size === 0) this.#files.delete(callSid);
    this.#bytes -= file.body.length;
    return file;
  }

  /** Drops what nobody took. */
  forget(callSid: string): void {
    for (const url of [...(this.#files.get(callSid)?.keys() ?? [])]) this.take(callSid, url);
  }
}
