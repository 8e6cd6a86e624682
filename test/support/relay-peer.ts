// A SIP peer with media for network namespaces, a process of its own: `node relay-peer.ts <own address> <other address>`. Told what to do
// by lines of JSON on its input, tells what happens by lines of JSON on its output. It sends PCMU every 20 ms from port 4000 while a
// call is up, and keeps count of what it hears.
//
//   {"do":"call"}       INVITE to <other>                {"do":"digit","digit":"5"}   RFC 4733, three packets and three of its end
//   {"do":"hold"}       re-INVITE inactive               {"do":"resume"}              re-INVITE sendrecv
//   {"do":"hang up"}    BYE                              {"do":"report"}              what was heard since the last report

import { createSocket, type RemoteInfo } from 'node:dgram';
import { createInterface } from 'node:readline';

const SIP_PORT = 5060;
const MEDIA_PORT = 4000;
const PACKET_MS = 20;
const RTP_HEADER_BYTES = 12;
const EVENT_TYPE = 101;

const [own = '', other = ''] = process.argv.slice(2);
const sip = createSocket('udp4');
const media = createSocket('udp4');
const ssrc = Math.floor(Math.random() * 0xffffffff);
/** Own sequence number, the peer's remote target and dialog. */
let sequence = Math.floor(Math.random() * 30_000);
let timestamp = Math.floor(Math.random() * 0xffffffff);
let cseq = 0;
let version = 0;
let dialog: { from: string; to: string; target: string; callId: string } | null = null;
let mediaTarget: { address: string; port: number } | null = null;
let events: { payload: Buffer; timestamp: number }[] = [];
let heard: { ssrc: number; sequence: number; type: number; from: string }[] = [];
let timer: NodeJS.Timeout | null = null;

const tell = (message: unknown): void => void process.stdout.write(`${JSON.stringify(message)}\n`);

const sdp = (direction: string): string =>
  [
    'v=0',
    `o=a 1 ${++version} IN IP4 ${own}`,
    's=-',
    `c=IN IP4 ${own}`,
    't=0 0',
    `m=audio ${MEDIA_PORT} RTP/AVP 0 ${EVENT_TYPE}`,
    'a=rtpmap:0 PCMU/8000',
    `a=rtpmap:${EVENT_TYPE} telephone-event/8000`,
    `a=${direction}`,
    '',
  ].join('\r\n');

const headerOf = (text: string, name: string): string =>
  new RegExp(`^${name}:\\s*(.*?)\\r?$`, 'im').exec(text)?.[1] ?? '';

function message(lines: readonly string[], body = ''): string {
  const type = body === '' ? [] : ['Content-Type: application/sdp'];
  return [...lines, ...type, `Content-Length: ${body.length}`, '', body].join('\r\n');
}

function request(method: string, number: number, body = ''): void {
  const { from, to, target, callId } = dialog!;
  const lines = [
    `${method} ${target} SIP/2.0`,
    `Via: SIP/2.0/UDP ${own}:${SIP_PORT};branch=z9hG4bK${method}${number};rport`,
    `From: ${from}`,
    `To: ${to}`,
    `Call-ID: ${callId}`,
    `CSeq: ${number} ${method}`,
    `Contact: <sip:peer@${own}:${SIP_PORT}>`,
    'Max-Forwards: 70',
  ];
  sip.send(message(lines, body), SIP_PORT, other);
}

function answer(text: string, status: string, from: RemoteInfo, body = ''): void {
  const copied = ['Via', 'From', 'Call-ID', 'CSeq'].map((name) => `${name}: ${headerOf(text, name)}`);
  const to = headerOf(text, 'To');
  const lines = [
    ...copied,
    `To: ${/;tag=/.test(to) ? to : `${to};tag=peer`}`,
    `Contact: <sip:peer@${own}:${SIP_PORT}>`,
  ];
  sip.send(message([`SIP/2.0 ${status}`, ...lines], body), from.port, from.address);
}

function learnMedia(text: string): void {
  const port = Number(/^m=audio (\d+)/m.exec(text)?.[1]);
  const address = /^c=IN IP4 (\S+)/m.exec(text)?.[1];
  if (port > 0 && address) mediaTarget = { address, port };
  timer ??= setInterval(sendPacket, PACKET_MS);
}

function sendPacket(): void {
  if (!mediaTarget) return;
  timestamp = (timestamp + 160) >>> 0;
  const event = events.shift();
  const packet = Buffer.alloc(RTP_HEADER_BYTES + (event ? 4 : 160), 0xd5);
  event?.payload.copy(packet, RTP_HEADER_BYTES);
  sequence = (sequence + 1) & 0xffff;
  packet.writeUInt16BE(0x8000 | (event ? EVENT_TYPE : 0), 0);
  packet.writeUInt16BE(sequence, 2);
  packet.writeUInt32BE(event && events.length < 5 ? event.timestamp : timestamp, 4);
  packet.writeUInt32BE(ssrc, 8);
  media.send(packet, mediaTarget.port, mediaTarget.address);
}

/** Six packets of one press: three while it lasts, the end three times (RFC 4733 2.5.1). */
function press(digit: string): void {
  const code = '0123456789*#'.indexOf(digit);
  const start = timestamp;
  events = [1, 2, 3, 4, 4, 4].map((step, index) => {
    const payload = Buffer.from([code, index >= 3 ? 0x8a : 0x0a, 0, 0]);
    payload.writeUInt16BE(step * 160, 2);
    return { payload, timestamp: start };
  });
}

media.on('message', (packet, from) => {
  if (packet.length < RTP_HEADER_BYTES) return;
  heard.push({
    ssrc: packet.readUInt32BE(8),
    sequence: packet.readUInt16BE(2),
    type: packet[1]! & 0x7f,
    from: `${from.address}:${from.port}`,
  });
});

sip.on('message', (bytes, from) => {
  const text = bytes.toString();
  const status = /^SIP\/2\.0 (\d+)/.exec(text)?.[1];
  if (status !== undefined) return onResponse(text, status);
  const method = text.split(' ')[0]!;
  if (method === 'INVITE') {
    learnMedia(text);
    dialog ??= {
      from: `${headerOf(text, 'To')};tag=peer`,
      to: headerOf(text, 'From'),
      target: /<([^>]+)>/.exec(headerOf(text, 'Contact'))?.[1] ?? '',
      callId: headerOf(text, 'Call-ID'),
    };
    answer(text, '200 OK', from, sdp('sendrecv'));
    tell({ event: 'called' });
  } else if (method !== 'ACK') {
    answer(text, '200 OK', from);
    if (method === 'BYE') end();
  }
});

function onResponse(text: string, status: string): void {
  const number = headerOf(text, 'CSeq');
  if (status !== '200') return Number(status) >= 300 ? tell({ event: 'refused', status }) : undefined;
  if (number.endsWith('BYE')) return end();
  if (!number.endsWith('INVITE') || !dialog) return;
  dialog.to = headerOf(text, 'To');
  dialog.target = /<([^>]+)>/.exec(headerOf(text, 'Contact'))?.[1] ?? dialog.target;
  learnMedia(text);
  request('ACK', Number.parseInt(number, 10));
  tell({ event: 'answered' });
}

function end(): void {
  if (timer) clearInterval(timer);
  timer = null;
  mediaTarget = null;
  dialog = null;
  tell({ event: 'ended' });
}

/** Per SSRC: packets, numbers missing between the first and the last, numbers that came twice, packets of audio. */
function report(): void {
  const streams = [...Map.groupBy(heard, (packet) => packet.ssrc)].map(([from, packets]) => {
    const numbers = packets.map(({ sequence: number }) => ((number - packets[0]!.sequence) << 16) >> 16);
    const distinct = new Set(numbers);
    const missing = Math.max(...numbers) - Math.min(...numbers) + 1 - distinct.size;
    const sources = [...new Set(packets.map((packet) => packet.from))];
    const audio = packets.filter(({ type }) => type === 0).length;
    return { ssrc: from, packets: packets.length, missing, twice: packets.length - distinct.size, audio, sources };
  });
  heard = [];
  tell({ event: 'report', own: ssrc, streams });
}

const actions: Readonly<Record<string, (command: { digit?: string }) => void>> = {
  call: () => {
    const target = `sip:1000@${other}`;
    dialog = { from: `<sip:peer@${own}>;tag=a`, to: `<${target}>`, target, callId: `call-${ssrc}-${cseq}` };
    request('INVITE', ++cseq, sdp('sendrecv'));
  },
  hold: () => request('INVITE', ++cseq, sdp('inactive')),
  digit: ({ digit = '1' }) => press(digit),
  resume: () => request('INVITE', ++cseq, sdp('sendrecv')),
  'hang up': () => request('BYE', ++cseq),
  report,
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line) as { do: string; digit?: string };
  actions[command.do]!(command);
});
media.bind(MEDIA_PORT, own, () => sip.bind(SIP_PORT, own, () => tell({ event: 'ready' })));
