// What stands in the messages themselves, read whole by a peer that is no phone: which domain an INVITE means, what a refusal shows, and
// what our own INVITE, ACK and BYE carry (sip-interface.md 1.1-1.4, 2.3). Over real sockets.

import { expect, onTestFinished, test } from 'vitest';
import { isSipUri, makeSipUri } from '../../../src/sip/grammar/uri.ts';
import { openWorld, plainSdp, RawPhone } from '../../support/raw-phone.ts';
import { dials, expectEvent, Inbox, type World, world } from '../../support/world.ts';

const BRANCH = 'branch.sip.localhost';

const rawPhone = async (w: World): Promise<RawPhone> => {
  const phone = await RawPhone.open(w.port('udp'));
  onTestFinished(() => phone.close());
  return phone;
};

/** A second domain of the account, BRANCH, that has the only list of this kind and asks `path`. */
async function openBranch(w: World, list: 'IpAccessControlList' | 'CredentialList', path = '/branch'): Promise<void> {
  const { body: domain } = await w.rest('/SIP/Domains.json', { DomainName: BRANCH, VoiceUrl: w.app.url(path) });
  const { body } = await w.rest(`/SIP/${list}s.json`);
  const key = list === 'CredentialList' ? 'credential_lists' : 'ip_access_control_lists';
  const [found] = body[key] as readonly { readonly sid: string }[];
  const mapped = await w.rest(`/SIP/Domains/${domain.sid}/${list}Mappings.json`, { [`${list}Sid`]: found!.sid });
  expect(mapped.status).toBe(201);
}

test('the host of the Request-URI selects the domain, and is told; To does not matter [sip 1.1 selected-by-request-uri] [sip 1.3 to-is-request-uri] [sip 1.3 from-is-from-uri] [sip 10 trap-4]', async () => {
  const w = await world(openWorld);
  await openBranch(w, 'IpAccessControlList');
  w.answers('<Reject/>', '/branch');
  const caller = await rawPhone(w);
  // Its To header is always sip:1000@127.0.0.1.
  caller.send('INVITE', { uri: makeSipUri({ user: 'desk', host: BRANCH }), sdp: plainSdp(caller.port + 1) });
  expect((await caller.final('INVITE')).status).toBe(404);
  const { params } = await w.asked('/branch');
  const uris = { To: `sip:desk@${BRANCH}`, Called: `sip:desk@${BRANCH}`, From: 'sip:raw@127.0.0.1' };
  expect(params).toMatchObject({ ...uris, Caller: uris.From, SipDomain: BRANCH, SipCallId: caller.callId });
  expect(w.app.requestsTo('/voice')).toEqual([]);
  await w.isIdle();
});

test('any user part reaches the one application of the domain [sip 1.4 any-user-part] [sip 1.1 one-application]', async () => {
  const w = await world(openWorld);
  w.answers('<Reject/>');
  const users = ['1000', "o'hara", 'a b', '+49(30)123', '*97', 'x;phone-context=y'];
  for (const [index, user] of users.entries()) {
    const caller = await rawPhone(w);
    caller.send('INVITE', {
      uri: makeSipUri({ user, host: 'office.sip.localhost' }),
      sdp: plainSdp(caller.port + 1),
    });
    expect((await caller.final('INVITE')).status).toBe(404);
    expect((await w.asked('/voice', index + 1)).params.To).toMatch(/^sip:.*@office\.sip\.localhost$/);
  }
  const asked = w.app.requestsTo('/voice').map(({ params }) => decodeURIComponent(params.To!));
  expect(asked).toEqual(users.map((user) => `sip:${user}@office.sip.localhost`));
  await w.isIdle();
});

test('a source in no list: 403 that shows the source in its top Via; the application is not asked [sip 1.2 received-of-403]', async () => {
  const w = await world({
    settings: { ipAccessControlLists: [{ name: 'elsewhere', addresses: ['192.0.2.1'] }] },
    domain: { credentialLists: [], ipAccessControlLists: ['elsewhere'] },
  });
  const caller = await rawPhone(w);
  caller.send('INVITE', { sdp: plainSdp(caller.port + 1) });
  const refused = await caller.final('INVITE');
  expect(refused.status).toBe(403);
  expect(refused.via).toMatchObject({ received: '127.0.0.1', rport: caller.port });
  expect(refused.headers.get('x-twilio-error')).toMatch(/^32201 /);
  await w.isIdle();
  expect(w.app.requests).toEqual([]);
});

test('every domain challenges with the one realm, and nobody is asked before the digest [sip 1.2 one-realm] [sip 1.3 after-authentication]', async () => {
  const w = await world();
  await openBranch(w, 'CredentialList', '/voice');
  for (const host of ['office.sip.localhost', BRANCH]) {
    const caller = await rawPhone(w);
    caller.send('INVITE', { uri: makeSipUri({ user: '1000', host }), sdp: plainSdp(caller.port + 1) });
    const challenged = await caller.final('INVITE');
    expect(challenged.status).toBe(407);
    expect(challenged.headers.get('proxy-authenticate')).toContain('realm="sip.hookswitch.local"');
  }
  await w.isIdle();
  expect(w.app.requests).toEqual([]);
});

test('a registered phone calls another one: call authentication, then the application decides [sip 3 calls-from-phone] [sip 3 no-direct-call]', async () => {
  const w = await world();
  w.answers('<Reject reason="busy"/>');
  const alice = await w.phone('alice');
  const bob = new Inbox(await w.phone('bob'), 'bob');
  const caller = dials(alice, 'sip:bob@office.sip.localhost');
  expect(await expectEvent(alice, caller, 'failed')).toMatchObject({ status: 486 });
  expect(alice.ladder(caller.callId)).toContain('407');
  expect((await w.asked('/voice')).params).toMatchObject({ To: 'sip:bob@office.sip.localhost', SipUsername: 'alice' });
  await w.isIdle();
  expect(bob.calls).toEqual([]);
});

test('INVITE, ACK and BYE of a child name it; the 200 names the caller [sip 2.3 from] [sip 2.3 to] [sip 2.3 contact] [sip 2.3 call-id] [sip 2.3 max-forwards] [sip 2.3 allow] [sip 2.3 call-sid] [sip 2.3 call-sid-ack] [sip 2.3 call-sid-bye] [sip 2.3 call-sid-200] [sip 2.3 bye-reason] [sip 1.6 no-100rel]', async () => {
  const w = await world(openWorld);
  const far = await rawPhone(w);
  const dialled = `sip:desk@127.0.0.1:${far.port};user=phone`;
  w.answers(`<Dial action="/after"><Sip>${dialled}</Sip></Dial>`);
  w.answers('<Hangup/>', '/after');
  const near = await rawPhone(w);
  const invite = near.send('INVITE', { sdp: plainSdp(near.port + 1) });
  const child = await far.request('INVITE');
  expect(child.from.uri).toMatchObject({ user: 'raw', host: 'office.sip.localhost' });
  const desk = { user: 'desk', host: '127.0.0.1', port: far.port, params: new Map([['user', 'phone']]) };
  expect(child.to.uri).toMatchObject(desk);
  expect(child.uri).toMatchObject(desk);
  expect(child.headers.get('contact')).toContain(`@127.0.0.1:${w.port('udp')}`);
  expect(child.callId).toMatch(/^[0-9a-f]{32}@0\.0\.0\.0$/);
  expect(child.headers.get('max-forwards')).toBe('69');
  for (const method of ['INVITE', 'ACK', 'CANCEL', 'OPTIONS', 'BYE', 'REFER', 'NOTIFY'])
    expect(child.headers.get('allow')).toContain(method);
  expect(child.headers.get('supported') ?? '').not.toContain('100rel');
  expect(child.headers.get('require')).toBeUndefined();
  const childSid = child.headers.get('x-twilio-callsid');
  expect(childSid).toMatch(/^CA[0-9a-f]{32}$/);

  far.accept(child, plainSdp(far.port + 1));
  expect((await far.request('ACK')).headers.get('x-twilio-callsid')).toBe(childSid);
  const ok = await near.final('INVITE');
  const parentSid = (await w.asked('/voice')).params.CallSid;
  expect(ok.headers.get('x-twilio-callsid')).toBe(parentSid);
  near.acknowledge(invite, ok);

  near.send('BYE');
  const bye = await far.request('BYE');
  expect(bye.headers.get('x-twilio-callsid')).toBe(childSid);
  expect(bye.headers.get('reason')).toBe('Q.850;cause=16;text="Normal call clearing"');
  far.accept(bye);
  expect((await w.asked('/after')).params).toMatchObject({ CallSid: parentSid, DialCallSid: childSid });
  await w.isIdle();
});

test('a BYE of ours names the recording of the call and its length; without one it does not [sip 2.3 bye-recording]', async () => {
  for (const start of ['<Start><Recording/></Start>', '']) {
    const w = await world(openWorld);
    w.answers(`${start}<Gather timeout="1"/><Hangup/>`);
    const near = await rawPhone(w);
    const invite = near.send('INVITE', { sdp: plainSdp(near.port + 1) });
    near.acknowledge(invite, await near.final('INVITE'));
    const bye = await near.request('BYE');
    near.accept(bye);
    const { CallSid } = (await w.asked('/voice')).params;
    const { body } = await w.rest(`/Calls/${CallSid}/Recordings.json`);
    const [recording] = body.recordings as { readonly sid: string }[];
    expect(bye.headers.get('x-twilio-recordingsid')).toBe(recording?.sid);
    expect(bye.headers.get('x-twilio-recordingduration')).toBe(start === '' ? undefined : '1');
    await w.isIdle();
  }
});

test('the BYE of the callee feeds the action with its X-headers [sip 2.5 action-headers] [twiml 3.3 dial-sip]', async () => {
  const w = await world(openWorld);
  const far = await rawPhone(w);
  w.answers(`<Dial action="/after"><Sip>sip:desk@127.0.0.1:${far.port}</Sip></Dial>`);
  w.answers('<Hangup/>', '/after');
  const near = await rawPhone(w);
  const invite = near.send('INVITE', { sdp: plainSdp(near.port + 1) });
  const child = await far.request('INVITE');
  far.accept(child, plainSdp(far.port + 1));
  await far.request('ACK');
  near.acknowledge(invite, await near.final('INVITE'));
  far.hangUp(child, [
    { name: 'X-Rating', value: '5 of 5' },
    { name: 'User-to-User', value: 'not for the action' },
  ]);
  const { params } = await w.asked('/after');
  expect(params).toMatchObject({ DialCallStatus: 'completed', 'DialSipHeader_X-Rating': '5 of 5' });
  expect(params).not.toHaveProperty('DialSipHeader_User-to-User');
  near.accept(await near.request('BYE'));
  await w.isIdle();
});

test('From of a call over REST is the user of the From header [sip 2.2 rest-from] [rest 9.1 from-sip]', async () => {
  const w = await world(openWorld);
  const far = await rawPhone(w);
  const form = {
    To: `sip:desk@127.0.0.1:${far.port}`,
    From: 'reception_1.a-b',
    Twiml: '<Response><Hangup/></Response>',
  };
  expect((await w.rest('/Calls.json', form)).status).toBe(201);
  const invite = await far.request('INVITE');
  expect(isSipUri(invite.from.uri) && invite.from.uri.user).toBe('reception_1.a-b');
  expect(invite.headers.get('max-forwards')).toBe('70');
  far.accept(invite, plainSdp(far.port + 1));
  far.accept(await far.request('BYE'));
  await w.isIdle();
});
