// The capture of a call as an operator gets it (sip-interface.md 9), judged by a packet dissector that we did not write.

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import type { PhoneCall } from '../../../src/demo/phone.ts';
import { testUnless } from '../../support/skip.ts';
import { malformed, packets, tshark, tsharkMissing } from '../../support/tshark.ts';
import { until } from '../../support/until.ts';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  bridged,
  DEADLINE_MS,
  expectEvent,
  hearsPackets,
  PASSWORD,
  type PhoneSetup,
  type World,
  world,
} from '../../support/world.ts';

const test = testUnless(tsharkMissing());

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

async function download(w: World, callSid: string, authorization = basic(ACCOUNT_SID, AUTH_TOKEN)) {
  const url = `${w.gateway.info.apiUrl}/2010-04-01/Accounts/${ACCOUNT_SID}/Calls/${callSid}/Capture.pcap`;
  const response = await fetch(url, { headers: { authorization } });
  return { response, capture: Buffer.from(await response.arrayBuffer()) };
}

const tone = (call: PhoneCall) =>
  void call.play([{ kind: 'tone', frequencies: [440], levelDb: -10, durationMs: 60_000 }], 60_000);

interface Talk {
  readonly setup?: { readonly alice?: PhoneSetup; readonly bob?: PhoneSetup };
  readonly meanwhile?: (caller: PhoneCall, callee: PhoneCall) => Promise<unknown>;
}

/** Alice and bob talk through the gateway and hang up; the CallSid of alice's leg. */
async function talk(w: World, { setup, meanwhile }: Talk = {}): Promise<string> {
  const { alice, caller, callee } = await bridged(w, undefined, setup);
  tone(caller);
  tone(callee);
  await Promise.all([hearsPackets(caller, 25), hearsPackets(callee, 25)]);
  await meanwhile?.(caller, callee);
  callee.leg.hangUp();
  await expectEvent(alice, caller, 'ended');
  await w.isIdle();
  return (await w.asked('/voice')).params.CallSid!;
}

test('[sip 9 capture-pcap] the SIP of all legs of a call opens in a dissector, whole and in order', async () => {
  const w = await world({ logLevel: 'info' });
  const callSid = await talk(w);
  const { response, capture } = await download(w, callSid);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/vnd.tcpdump.pcap');
  expect(malformed(capture)).toBe('');
  const sip = packets(capture, ['sip.Method', 'sip.Status-Code', 'sip.Call-ID'], 'sip');
  const legs = [...new Set(sip.map(([, , callId]) => callId))];
  expect(legs).toHaveLength(2);
  for (const leg of legs) {
    const methods = sip.filter(([, , callId]) => callId === leg).map(([method]) => method);
    expect(methods).toEqual(expect.arrayContaining(['INVITE', 'ACK', 'BYE']));
  }
  expect(sip.map(([, status]) => status)).toEqual(expect.arrayContaining(['407', '100', '180', '200']));
  // Audio is private speech: not without the setting.
  expect(packets(capture, ['frame.number'], 'udp and not sip')).toEqual([]);
  // Every download is logged: who, which call.
  const line = w.log.find((one) => one.includes('capture downloaded'));
  expect(JSON.parse(line!)).toMatchObject({ callSid, by: ACCOUNT_SID });
});

test('[sip 9 capture-access] only the account of the call gets its capture; the operator gets it on this machine', async () => {
  const w = await world();
  const callSid = await talk(w);
  expect((await download(w, callSid, basic(ACCOUNT_SID, 'wrong'))).response.status).toBe(401);
  expect((await download(w, `CA${'f'.repeat(32)}`)).response.status).toBe(404);
  expect((await download(w, '..%2f..%2fsecret')).response.status).toBe(404);
  const sub = await w.rest('/../../Accounts.json', { FriendlyName: 'other' });
  expect(sub.status).toBe(201);
  const stranger = basic(String(sub.body.sid), String(sub.body.auth_token));
  expect((await download(w, callSid, stranger)).response.status).toBe(401);
  const local = (id: string, headers: Record<string, string> = {}) =>
    fetch(`${w.gateway.info.apiUrl}/debug/capture/${id}`, { headers });
  expect((await local(callSid)).status).toBe(200);
  expect((await local('CA0')).status).toBe(404);
  expect((await local(callSid, { 'x-forwarded-for': '192.0.2.1' })).status).toBe(403);
});

test('[sip 9 capture-file] npm run capture writes the pcap of a call to a file', async () => {
  const w = await world();
  const callSid = await talk(w);
  const file = join(w.folder, 'call.pcap');
  const main = join(import.meta.dirname, '../../../src/main.ts');
  const args = [main, 'capture', callSid, file, '--gateway', w.gateway.info.apiUrl];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout).toContain(file);
  expect(readFileSync(file)).toEqual((await download(w, callSid)).capture);
});

test('[sip 9 capture-rtp] where the domain allows it the audio of both legs is in the capture, as streams that play', async () => {
  const w = await world({ domain: { captureRtp: true } });
  const { capture } = await download(w, await talk(w));
  expect(malformed(capture)).toBe('');
  const streams = tshark(capture, ['-q', '-z', 'rtp,streams'])
    .split('\n')
    .filter((line) => line.includes('g711U'));
  // Each of two legs, each direction.
  expect(streams).toHaveLength(4);
  for (const [payload] of packets(capture, ['rtp.payload'], 'rtp')) expect(payload).toMatch(/^[0-9a-f]{320}$/);
});

test('[sip 9 capture-secrets] digits, digest answers and keys are crossed out at their length', async () => {
  const w = await world({ domain: { captureRtp: true }, tls: true, settings: { captureDecrypted: 'all' } });
  const callSid = await talk(w, {
    setup: { alice: { transport: 'tls', secureMedia: true } },
    meanwhile: (caller) => caller.play([{ kind: 'digits', digits: '7391' }], DEADLINE_MS),
  });
  const { capture } = await download(w, callSid);
  expect(malformed(capture)).toBe('');
  const text = capture.toString('latin1');
  expect(text).not.toContain(PASSWORD);
  expect(text).not.toMatch(/response="?[0-9a-f]{32}/);
  expect(text).toMatch(/Authorization: Digest [x ]+\r\n/);
  expect(text).toMatch(/a=crypto:\d+ \S+ inline:x{40}\b/);
  expect(text).not.toMatch(/inline:[^x]/);
  const events = packets(capture, ['rtpevent.event_id'], 'rtpevent').flat();
  expect(events.length).toBeGreaterThan(0);
  expect(new Set(events)).toEqual(new Set(['255']));
});

test('[sip 9 capture-secrets-opt-in] digits and credentials stay where the settings say so', async () => {
  const w = await world({ domain: { captureRtp: true }, settings: { captureSecrets: true } });
  const callSid = await talk(w, { meanwhile: (caller) => caller.play([{ kind: 'digits', digits: '5' }], DEADLINE_MS) });
  const { capture } = await download(w, callSid);
  expect(malformed(capture)).toBe('');
  expect(capture.toString('latin1')).toMatch(/response="?[0-9a-f]{32}/);
  expect(new Set(packets(capture, ['rtpevent.event_id'], 'rtpevent').flat())).toEqual(new Set(['5']));
});

test('[sip 9 capture-tls-empty] the capture of a TLS call is empty, as the vendor gives it', async () => {
  const w = await world({ tls: true, domain: { captureRtp: true } });
  const tls = { transport: 'tls', secureMedia: true } as const;
  const { response, capture } = await download(w, await talk(w, { setup: { alice: tls, bob: tls } }));
  expect(response.status).toBe(200);
  // The file header, and no packet.
  expect(capture).toHaveLength(24);
  expect(tshark(capture, [])).toBe('');
});

test('[sip 9 capture-decrypted] an account that opts in gets TLS and SRTP in clear', async () => {
  const w = await world({ tls: true, domain: { captureRtp: true }, settings: { captureDecrypted: ACCOUNT_SID } });
  const tls = { transport: 'tls', secureMedia: true } as const;
  const { capture } = await download(w, await talk(w, { setup: { alice: tls, bob: tls } }));
  expect(malformed(capture)).toBe('');
  expect(packets(capture, ['sip.Method'], 'sip.Method').flat()).toEqual(
    expect.arrayContaining(['INVITE', 'ACK', 'BYE']),
  );
  const sent = packets(capture, ['rtp.payload'], 'rtp').flat();
  expect(sent.length).toBeGreaterThan(50);
});

test('[sip 9 capture-retention] a capture survives a restart, and the memory of it', async () => {
  const w = await world();
  const callSid = await talk(w);
  const before = (await download(w, callSid)).capture;
  await w.restart();
  const after = (await download(w, callSid)).capture;
  expect(after).toEqual(before);
  const child = await w.rest(`/Calls.json?ParentCallSid=${callSid}`);
  const [leg] = child.body.calls as readonly { readonly sid: string }[];
  expect((await download(w, leg!.sid)).capture).toEqual(before);
});

test('[sip 9 capture-memory-only] with captureDays 0 nothing is written', async () => {
  const w = await world({ settings: { captureDays: 0 } });
  const callSid = await talk(w);
  expect((await download(w, callSid)).response.status).toBe(200);
  await w.restart();
  expect(existsSync(join(w.config.dataDir, 'captures'))).toBe(false);
  await until(
    async () => (await download(w, callSid)).response.status === 404,
    DEADLINE_MS,
    () => 'the capture is still there',
  );
});

test('with callTrace off nothing of a call is kept, and who asks is told how to switch it on', async () => {
  const w = await world({ settings: { callTrace: false, captureRtp: true } });
  const callSid = await talk(w);
  expect(w.gateway.counts().trace).toMatchObject({ tracedCalls: 0, bytes: 0, rtpBytes: 0, pending: 0 });
  expect(w.gateway.ladder(callSid)).toBeUndefined();
  expect((await download(w, callSid)).response.status).toBe(404);
  for (const page of ['ladder', 'capture', 'recorded']) {
    const answer = await fetch(`${w.gateway.info.apiUrl}/debug/${page}/${callSid}`);
    expect({ page, status: answer.status, text: await answer.text() }).toEqual({
      ...{ page, status: 409 },
      text: expect.stringContaining('set callTrace: true (HOOKSWITCH_CALL_TRACE=true)'),
    });
  }
  const main = join(import.meta.dirname, '../../../src/main.ts');
  const asked = promisify(execFile)(process.execPath, [main, 'ladder', callSid, '--gateway', w.gateway.info.apiUrl]);
  await expect(asked).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('the trace of calls is off') });
});
