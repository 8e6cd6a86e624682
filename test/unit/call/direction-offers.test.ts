import { describe, expect, test } from 'vitest';
import { DirectionOffers } from '../../../src/call/direction-offers.ts';
import type { MediaDirection } from '../../../src/sdp/plan.ts';

/** A peer whose answers the test gives. */
class Peer {
  readonly told: MediaDirection[] = [];
  #answers: ((isAgreed: boolean) => void)[] = [];
  #newest: (() => MediaDirection) | undefined;
  readonly offers = new DirectionOffers((newest) => {
    this.#newest = newest;
    this.told.push(newest());
    return new Promise((resolve) => this.#answers.push(resolve));
  });

  /** 491: the same re-INVITE is written again. */
  collides(): void {
    this.told.push(this.#newest!());
  }

  async answers(isAgreed: boolean): Promise<void> {
    await settled();
    this.#answers.shift()!(isAgreed);
    await settled();
  }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('directions that the peer is to be told of', () => {
  test('one after another; those that were asked for meanwhile go out as one, the newest', async () => {
    const peer = new Peer();
    const asked = (['sendonly', 'sendrecv', 'sendonly', 'sendrecv'] as const).map((one) => peer.offers.offer(one));
    await settled();
    expect(peer.told).toEqual(['sendrecv']);
    await peer.answers(true);
    expect(await Promise.all(asked)).toEqual([true, true, true, true]);
    expect(peer.told).toEqual(['sendrecv']);
  });

  test('[sip 1.6 crossing-holds] a hold that ended while its re-INVITE collided is not told again', async () => {
    const peer = new Peer();
    const hold = peer.offers.offer('sendonly');
    await settled();
    const resume = peer.offers.offer('sendrecv');
    peer.collides();
    await peer.answers(true);
    expect([await hold, await resume]).toEqual([true, true]);
    expect(peer.told).toEqual(['sendonly', 'sendrecv']);
  });

  test.each([
    ['agreed to', true],
    ['refused', false],
  ])(
    'what was asked for after the offer was written goes out after its answer, when that was %s',
    async (_, isAgreed) => {
      const peer = new Peer();
      const hold = peer.offers.offer('sendonly');
      await settled();
      const resume = peer.offers.offer('sendrecv');
      await peer.answers(isAgreed);
      expect(await hold).toBe(isAgreed);
      await peer.answers(true);
      expect(await resume).toBe(true);
      expect(peer.told).toEqual(['sendonly', 'sendrecv']);
    },
  );
});
