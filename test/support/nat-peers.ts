// Peers for network namespaces, each a process of its own: `node nat-peers.ts moving-phone <gateway> <own address>` and
// `node nat-peers.ts echo <own address> <port>`. They speak just enough SIP, and print one JSON line when they are done.
//
//   moving-phone   INVITE, media on 4000 ─▶ 40 packets came back ─▶ re-INVITE, media on 4002 ─▶ 40 came back ─▶ BYE
//   echo           answers every call, and sends each RTP packet back to where it came from

import { createSocket, type RemoteInfo } from 'node:dgram';

const SIP_PORT = 5060;
const PACKETS_WANTED = 40;
const PACKET_MS = 20;
const RTP_HEADER_BYTES = 12;

const sdp = (address: string, port: number, version: number): string =>
  [
    'v=0',
    `o=a 1 ${version} IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP 0`,
    '',
  ].join('\r\n');

const headerOf = (text: string, name: string): string =>
  new RegExp(`^${name}:\\s*(.*?)\\r?$`, 'im').exec(text)?.[1] ?? '';

function message(lines: readonly string[], body = ''): string {
  const type = body === '' ? [] : ['Content-Type: application/sdp'];
  return [...lines, ...type, `Content-Length: ${body.length}`, '', body].join('\r\n');
}

/** The answer to a request: its headers, and a tag of ours where To has none. */
function answer(request: string, status: string, own: string, port: number, body = ''): string {
  const to = headerOf(request, 'To');
  const copied = ['Via', 'From', 'Call-ID', 'CSeq'].map((name) => `${name}: ${headerOf(request, name)}`);
  const lines = [...copied, `To: ${/;tag=/.test(to) ? to : `${to};tag=peer`}`, `Contact: <sip:peer@${own}:${port}>`];
  return message([`SIP/2.0 ${status}`, ...lines], body);
}

function echo(own: string, port: number): void {
  const sip = createSocket('udp4');
  const media = createSocket('udp4');
  media.on('message', (packet, from) => media.send(packet, from.port, from.address));
  media.bind(6_000, own);
  sip.on('message', (bytes, from) => {
    const text = bytes.toString();
    const method = text.split(' ')[0];
    const reply = (status: string, body = '') =>
      sip.send(answer(text, status, own, port, body), from.port, from.address);
    if (method === 'INVITE') reply('200 OK', sdp(own, 6_000, 1));
    else if (method === 'BYE' || method === 'OPTIONS') reply('200 OK');
  });
  sip.bind(port, own, () => console.log(JSON.stringify({ ready: true })));
}

function movingPhone(gateway: string, own: string): void {
  const sip = createSocket('udp4');
  const ports = [4_000, 4_002] as const;
  const sockets = ports.map((port) => createSocket('udp4').bind(port, own));
  /** Of each port: packets that came back with the pattern of its own, and what came to the old one after the move. */
  const echoed = [0, 0];
  let lateOnOld = 0;
  let active: 0 | 1 = 0;
  let to = '<sip:echo@gateway>';
  let target = `sip:echo@${gateway}`;
  let mediaPort = 0;
  let sequence = 0;
  let isMoved = false;

  const request = (method: string, cseq: number, body = ''): void => {
    const lines = [
      `${method} ${target} SIP/2.0`,
      `Via: SIP/2.0/UDP ${own}:${SIP_PORT};branch=z9hG4bK${method}${cseq};rport`,
      `From: <sip:alice@${own}>;tag=a`,
      `To: ${to}`,
      'Call-ID: moving-phone',
      `CSeq: ${cseq} ${method}`,
      `Contact: <sip:alice@${own}:${SIP_PORT}>`,
      'Max-Forwards: 70',
    ];
    sip.send(message(lines, body), SIP_PORT, gateway);
  };

  const sendMedia = (): void => {
    const packet = Buffer.alloc(RTP_HEADER_BYTES + 160, patternOf(active));
    packet.writeUInt16BE(0x8000, 0);
    packet.writeUInt16BE(++sequence & 0xffff, 2);
    packet.writeUInt32BE(sequence * 160, 4);
    packet.writeUInt32BE(0x0badcafe, 8);
    sockets[active]!.send(packet, mediaPort, gateway);
  };

  const onMedia = (index: number) => (packet: Buffer) => {
    if (index === 0 && echoed[1]! > PACKETS_WANTED / 2) lateOnOld++;
    if (packet[RTP_HEADER_BYTES] !== patternOf(index)) return;
    echoed[index]!++;
    if (index === 0 && echoed[0] === PACKETS_WANTED) request('INVITE', 2, sdp(own, ports[1], 2));
    if (index === 1 && echoed[1] === PACKETS_WANTED) request('BYE', 3);
  };
  for (const [index, socket] of sockets.entries()) socket.on('message', onMedia(index));

  sip.on('message', (bytes: Buffer, from: RemoteInfo) => {
    const text = bytes.toString();
    const [, status] = /^SIP\/2\.0 (\d+)/.exec(text) ?? [];
    if (status === undefined) return void sip.send(answer(text, '200 OK', own, SIP_PORT), from.port, from.address);
    const cseq = headerOf(text, 'CSeq');
    if (status !== '200') return;
    if (cseq === '3 BYE') {
      console.log(JSON.stringify({ echoed, lateOnOld }));
      process.exit(0);
    }
    to = headerOf(text, 'To');
    target = /<([^>]+)>/.exec(headerOf(text, 'Contact'))?.[1] ?? target;
    mediaPort = Number(/^m=audio (\d+)/m.exec(text)?.[1]);
    request('ACK', Number.parseInt(cseq, 10));
    if (cseq === '1 INVITE') setInterval(sendMedia, PACKET_MS);
    if (cseq === '2 INVITE' && !isMoved) {
      isMoved = true;
      active = 1;
    }
  });
  sip.bind(SIP_PORT, own, () => request('INVITE', 1, sdp(own, ports[0], 1)));
}

const patternOf = (index: number): number => (index === 0 ? 0x11 : 0x22);

const [role, first = '', second = ''] = process.argv.slice(2);
if (role === 'echo') echo(first, Number(second));
else if (role === 'moving-phone') movingPhone(first, second);
else throw new Error(`no such peer: ${role}`);
