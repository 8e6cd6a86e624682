// What `npm start` prints: where to register, with what, and what to dial.

import { networkInterfaces } from 'node:os';
import type { Config } from '../config.ts';
import { DEMO_USERS, demoDomainName, demoPassword } from '../demo/domain.ts';
import type { Gateway } from '../gateway.ts';
import { commandLine } from './arguments.ts';

export function welcome(config: Config, gateway: Gateway): string {
  const { listeners, rootAccount, isNewAccount, secretKey, isDemo, apiUrl } = gateway.info;
  const lines = ['', '  Hookswitch is running.', ''];
  for (const transport of ['udp', 'tcp', 'tls'] as const) {
    const places = listeners
      .filter((listener) => listener.transport === transport)
      .map((one) => `${bracketed(one.address)}:${one.port}`);
    if (places.length > 0) lines.push(`  SIP over ${transport.toUpperCase()}   ${places.join('  ')}`);
  }
  lines.push(`  REST API       ${apiUrl}/2010-04-01`, `  Account        ${rootAccount.sid}`);
  if (isNewAccount && config.authToken === null) lines.push(`  Auth token     ${rootAccount.authToken}   (shown once)`);
  if (isDemo) {
    const first = listeners.find((listener) => listener.transport === 'udp' && !listener.address.includes(':'));
    const place = first ? `${reachable(first.address)}:${first.port}` : 'this machine';
    lines.push('', `  Register two phones at domain ${demoDomainName(config.domainSuffix)} (outbound proxy ${place}):`);
    for (const user of DEMO_USERS) lines.push(`    user ${user.padEnd(6)} password ${demoPassword(secretKey, user)}`);
    lines.push(
      '  and dial  bob or alice (each other)  1000 (welcome)  600 (echo)  700 (menu)  800 (record)  900 (conference).',
      '  Without a phone:',
      `    ${commandLine('call')} sip:1000@${place} --user alice --password ${demoPassword(secretKey, 'alice')}`,
    );
  }
  lines.push('');
  return lines.join('\n');
}

/** An address that a phone can be given in place of a wildcard: the first of this machine's own, else loopback. */
function reachable(address: string): string {
  if (address !== '0.0.0.0') return address;
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return own.find((one) => one.family === 'IPv4' && !one.internal)?.address ?? '127.0.0.1';
}

const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);
