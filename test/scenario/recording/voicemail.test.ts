// Messages, Dials and whole calls recorded with real phones over sockets: what was said is what is downloaded.

import { describe, expect, test } from 'vitest';
import { toneShare } from '../../../src/media/goertzel.ts';
import { until } from '../../support/until.ts';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  bridged,
  DEADLINE_MS,
  dials,
  expectEvent,
  shareHeard,
  type World,
  world,
} from '../../support/world.ts';

const authorization = `Basic ${Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64')}`;

const tone = (frequency: number, durationMs = 1_500) =>
  [{ kind: 'tone', frequencies: [frequency], levelDb: -10, durationMs }] as const;

const get = (url: string, headers: Record<string, string> = { authorization }, method = 'GET') =>
  fetch(url, { headers, method });

/** Channels of a WAVE file as the recorder writes it. */
function channelsOf(file: Buffer): Int16Array[] {
  const channels = file.readUInt16LE(22);
  const frames = (file.length - 44) / (2 * channels);
  return Array.from({ length: channels }, (_, channel) =>
    Int16Array.from({ length: frames }, (_, index) => file.readInt16LE(44 + (index * channels + channel) * 2)),
  );
}

/** Share of the tone in the loudest tenth of a second. */
function loudestShare(samples: Int16Array, frequency: number): number {
  let best = { level: 0, share: 0 };
  for (let at = 0; at + 800 <= samples.length; at += 800) {
    const window = samples.subarray(at, at + 800);
    const level = window.reduce((sum, sample) => sum + sample * sample, 0);
    if (level > best.level) best = { level, share: toneShare(window, frequency) };
  }
  return best.share;
}

const download = async (url: string) => Buffer.from(await (await get(url)).arrayBuffer());

const isCompleted = (w: World, sid: string) =>
  until(
    async () => (await w.rest(`/Recordings/${sid}.json`)).body.status === 'completed',
    DEADLINE_MS,
    () => 'the recording is completed',
  );

describe('Record', () => {
  test('a message is downloaded as it was spoken; the key ends it [twiml 5.5 action]', async () => {
    const w = await world();
    w.answers(
      '<Record timeout="0" playBeep="false" finishOnKey="#" recordingStatusCallback="/recorded" action="/after"/>',
    );
    w.answers('<Hangup/>', '/after');
    w.app.on('/recorded', { status: 204 });
    const alice = await w.phone('alice');
    const call = dials(alice, w.uri('1000'));
    await expectEvent(alice, call, 'answered');
    await call.play(tone(700), DEADLINE_MS);
    await call.play([{ kind: 'digits', digits: '#' }], DEADLINE_MS);
    const after = await w.asked('/after');
    expect(after.params).toMatchObject({ Digits: '#', RecordingSid: expect.stringMatching(/^RE[0-9a-f]{32}$/) });
    expect(after.params.RecordingUrl).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/2010-04-01\/Accounts\/AC\w{32}\/Recordings\/RE\w{32}$/,
    );
    expect(Number(after.params.RecordingDuration)).toBeGreaterThanOrEqual(1);
    const told = await w.asked('/recorded');
    expect(told.params).toMatchObject({
      RecordingSid: after.params.RecordingSid,
      RecordingStatus: 'completed',
      RecordingChannels: '1',
      RecordingSource: 'RecordVerb',
      RecordingTrack: 'inbound',
    });
    const answer = await get(after.params.RecordingUrl!);
    expect(answer.headers.get('content-type')).toBe('audio/x-wav');
    const wav = Buffer.from(await answer.arrayBuffer());
    expect(wav.length).toBe(Number(answer.headers.get('content-length')));
    expect(loudestShare(channelsOf(wav)[0]!, 700)).toBeGreaterThan(0.9);
    await w.isIdle();
  });
});
