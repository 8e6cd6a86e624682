// Documents that a whole conference hears (rest-api.md 11, AnnounceUrl).

import { expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { silentLog } from '../../../src/base/log.ts';
import { ok } from '../../../src/base/result.ts';
import type { RoomPlayOutcome } from '../../../src/conference/room-play.ts';
import type { PlayOptions } from '../../../src/media/engine.ts';
import { announceToRoom } from '../../../src/twiml/room-announcement.ts';
import { FakeWebhook } from './kit.ts';

const ROOM = {
  accountSid: `AC${'a'.repeat(32)}`,
  conferenceSid: `CF${'c'.repeat(32)}`,
  friendlyName: 'Room 1',
  mixer: 'm1',
  url: 'http://app/all',
  method: 'POST',
} as const;

type Pages = ConstructorParameters<typeof FakeWebhook>[0];

/** Every file can be had. */
class MediaWebhook extends FakeWebhook {
  override async fetchMedia() {
    return ok({ contentType: 'audio/wav', body: Buffer.alloc(160) }) as never;
  }
}

async function announce(pages: Pages, during: (controller: AbortController) => void = () => {}) {
  const webhook = new MediaWebhook(pages);
  const played: string[] = [];
  const controller = new AbortController();
  const play = async (mixer: string, { sources, loop }: PlayOptions): Promise<RoomPlayOutcome> => {
    played.push(`${mixer} ${sources.map(({ kind }) => kind).join(' ')} x${loop}`);
    during(controller);
    return controller.signal.aborted ? 'aborted' : 'finished';
  };
  const services = {
    webhook,
    authTokenOf: () => 'token',
    speaker: { synthesize: async () => ok(new Int16Array(160)) },
    decode: async () => ok(new Int16Array(160)),
    log: silentLog,
  };
  const end = await announceToRoom(ROOM, play, services, controller.signal);
  return { end, played, sent: webhook.sent };
}

const page = (verbs: string) => `<Response>${verbs}</Response>`;

test('Say, Play, Pause and Redirect, in their order, to the mixer [rest 11 announce-verbs]', async () => {
  const { end, played, sent } = await announce({
    'http://app/all': page('<Say loop="2">Hello</Say><Pause length="2"/><Redirect>/more</Redirect><Say>never</Say>'),
    'http://app/more': page('<Play>/music.wav</Play>'),
  });
  expect(end).toEqual({ how: 'ended' });
  expect(played).toEqual(['m1 samples x2', 'm1 silence x1', 'm1 samples x1']);
  expect(sent[0]).toMatchObject({
    method: 'POST',
    params: {
      AccountSid: ROOM.accountSid,
      ApiVersion: '2010-04-01',
      ConferenceSid: ROOM.conferenceSid,
      FriendlyName: 'Room 1',
    },
  });
});

test('13238: any other verb is skipped [twiml 15 restricted-conference]', async () => {
  const { end, played } = await announce({ 'http://app/all': page('<Dial>100</Dial><Hangup/><Say>Hello</Say>') });
  expect([end, played]).toEqual([{ how: 'ended' }, ['m1 samples x1']]);
});

test('a document that cannot be had or read fails it', async () => {
  expect((await announce({})).end).toEqual({ how: 'failed', reason: '11217 HTTP status 404' });
  expect((await announce({ 'http://app/all': '<Response><Say>' })).end).toMatchObject({ how: 'failed' });
  expect((await announce({ 'http://app/all': { error: 11200 } })).end).toMatchObject({ how: 'failed' });
});

test('documents that lead in circles come to an end', async () => {
  const { end, sent } = await announce({ 'http://app/all': page('<Redirect>/all</Redirect>') });
  expect(end).toEqual({ how: 'failed', reason: 'documents that lead in circles' });
  expect(sent).toHaveLength(limits.documentsWithoutWait);
});

test('the room ends: nothing more is played', async () => {
  const { end, played } = await announce({ 'http://app/all': page('<Say>a</Say><Say>b</Say>') }, (controller) =>
    controller.abort(),
  );
  expect([end, played]).toEqual([{ how: 'aborted' }, ['m1 samples x1']]);
});
