// What those in a room hear of a participant that is being called over REST (rest-api.md 11, EarlyMedia): the sound of the far side
// where it sends some, else our ringing tone. Over when the call is answered or fails.

import { linkedController } from '../base/signal.ts';
import { ringTone } from '../call/ring-tones.ts';
import type { MixerId } from '../media/engine-audio.ts';
import type { Participant } from './participant.ts';
import type { RoomPlays } from './room-play.ts';
import type { ConferenceMedia } from './services.ts';

export interface EarlyMediaRoom {
  readonly mixer: MixerId | undefined;
  readonly signal: AbortSignal;
  /** Those who wait hear the room while somebody rings. */
  setRinging(participant: Participant, isRinging: boolean): void;
}

/** Lets the room hear how the call of a participant, which is not started yet, is getting on. */
export function passEarlyMedia(
  room: EarlyMediaRoom,
  participant: Participant,
  engine: Pick<ConferenceMedia, 'joinMixer' | 'leaveMixer'>,
  plays: RoomPlays,
): void {
  const { call } = participant;
  const { controller, dispose } = linkedController(room.signal);
  let tone: AbortController | undefined;
  let sound: (() => void) | undefined;
  const stop = () => {
    unsubscribe();
    dispose();
    controller.abort();
    sound?.();
    room.setRinging(participant, false);
  };
  const unsubscribe = call.onLegEvent((event) => {
    if (event.type === 'answered') return stop();
    const { mixer } = room;
    if (event.type !== 'ringing' || mixer === undefined || sound) return;
    const { endpoint } = call.leg;
    if (event.earlyMedia && endpoint !== undefined) {
      tone?.abort();
      engine.joinMixer(mixer, endpoint, { isHeard: true, hears: false, coaches: null });
      sound = () => engine.leaveMixer(mixer, endpoint);
    } else if (!tone) {
      tone = linkedController(controller.signal).controller;
      void plays.play(mixer, { sources: ringTone(undefined), loop: 0 }, tone.signal);
    }
    room.setRinging(participant, true);
  });
  void participant.left.then(stop);
}
