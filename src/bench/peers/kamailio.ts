// Kamailio as a subject: a registrar with digest that answers within a transaction, and a proxy that stays in the path (it neither asks
// an application nor touches media). One worker process on the gateway's core.

import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { realClock, sleep } from '../../base/clock.ts';
import type { Bench, Subject } from '../bench.ts';
import { DOMAIN, PASSWORD } from '../gateway.ts';
import { boundSocket } from '../generator/wire.ts';
import { cpuSeconds, end, isInstalled, start } from '../processes.ts';
import { HOST } from './subject.ts';

const READY_MS = 10_000;
const PROBE_MS = 200;

export interface SipSubject extends Subject {
  readonly port: number;
  stop(): Promise<void>;
}

const configuration = (port: number, calleePort: number): string => `
debug=0
log_stderror=yes
fork=yes
children=1
disable_tcp=yes
dns=no
listen=udp:${HOST}:${port}
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "auth.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("usrloc", "db_mode", 0)
modparam("registrar", "max_expires", 3600)
request_route {
  if (method == "REGISTER") {
    if (!t_newtran()) { exit; }
    if (!pv_www_authenticate("${DOMAIN}", "${PASSWORD}", "0")) {
      www_challenge("${DOMAIN}", "1");
      exit;
    }
    save("location");
    exit;
  }
  if (method == "OPTIONS") { sl_send_reply("200", "OK"); exit; }
  if (loose_route()) { t_relay(); exit; }
  if (method == "ACK") { if (t_check_trans()) { t_relay(); } exit; }
  if (method == "INVITE") {
    record_route();
    $du = "sip:${HOST}:${calleePort}";
    t_relay();
    exit;
  }
  sl_send_reply("404", "Not Found");
}
`;

/** Undefined, and said so, where it is not installed. */
export async function kamailio(bench: Bench): Promise<SipSubject | undefined> {
  if (!isInstalled('kamailio')) {
    bench.skip('Kamailio', 'not installed (Debian: kamailio)');
    return undefined;
  }
  const { peer, callee } = await bench.places();
  const port = peer + 1;
  const file = join(bench.folder, 'kamailio.cfg');
  writeFileSync(file, configuration(port, callee));
  const child = start(
    'kamailio',
    ['-f', file, '-DD', '-E', '-m', '512', '-M', '32', '-P', join(bench.folder, 'kamailio.pid'), '-Y', bench.folder],
    { cores: bench.pinning?.subject, stdio: 'ignore', cwd: bench.folder },
  );
  const stop = bench.onStop(() => end(child));
  if (await answersOptions(child, port)) {
    return { name: 'Kamailio', port, cpuSeconds: () => (child.pid ? cpuSeconds(child.pid) : 0), stop };
  }
  bench.skip('Kamailio', 'it does not start here');
  await stop();
  return undefined;
}

/** Whether something at this port answers OPTIONS in time. */
export async function answersOptions(child: ChildProcess, port: number): Promise<boolean> {
  let isThere = false;
  const socket = await boundSocket(0, () => {
    isThere = true;
  });
  const deadline = realClock.now() + READY_MS;
  child.on('error', () => {});
  for (let tried = 1; !isThere && realClock.now() < deadline && child.exitCode === null; tried++) {
    const own = socket.address().port;
    socket.send(
      `OPTIONS sip:${HOST}:${port} SIP/2.0\r\nVia: SIP/2.0/UDP ${HOST}:${own};branch=z9hG4bKo${tried}\r\nMax-Forwards: 70\r\n` +
        `From: <sip:bench@${HOST}>;tag=o${tried}\r\nTo: <sip:${HOST}:${port}>\r\nCall-ID: o${tried}-${own}\r\nCSeq: 1 OPTIONS\r\n` +
        `Contact: <sip:bench@${HOST}:${own}>\r\nContent-Length: 0\r\n\r\n`,
      port,
      HOST,
    );
    await sleep(realClock, PROBE_MS);
  }
  socket.close();
  return isThere;
}
