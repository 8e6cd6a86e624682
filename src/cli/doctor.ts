// `doctor`: what the settings and the machine allow, and what would not work, each with its fix.

import { createSocket } from 'node:dgram';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { printConfig } from '../config.ts';
import { startupChecks } from '../startup-checks.ts';
import { configOrComplain, parseArguments } from './arguments.ts';

const USAGE = 'Usage: npm run doctor -- [--config hookswitch.yaml]';

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, { config: { type: 'string' }, 'print-config': { type: 'boolean' } }, USAGE);
  if (!parsed.ok) {
    console.error(parsed.error);
    return 2;
  }
  const file = parsed.value.values.config;
  const config = configOrComplain(typeof file === 'string' ? file : undefined);
  if (!config) return 2;
  if (parsed.value.values['print-config']) console.log(printConfig(config));
  const lines = startupChecks(config).map(({ level, text }) => ({ good: level === 'ok', text }));
  lines.push({ good: true, text: `Node.js ${process.versions.node}` });
  const espeak = (config.path ?? '').split(':').some((folder) => existsSync(join(folder, 'espeak-ng')));
  lines.push({
    good: true,
    text: espeak
      ? 'speech: espeak-ng is installed'
      : 'speech: espeak-ng is not installed, its WASM build speaks (slower)',
  });
  for (const { address, port } of config.sipListen) lines.push(await canBind(address, port));
  for (const { good, text } of lines) console.log(`${good ? 'ok     ' : 'WARNING'} ${text}`);
  return lines.every((line) => line.good) ? 0 : 1;
}

/** Whether a SIP listener could be opened now; a running gateway holds it, which is no fault. */
function canBind(address: string, port: number): Promise<{ good: boolean; text: string }> {
  const place = `${address.includes(':') ? `[${address}]` : address}:${port}`;
  return new Promise((resolve) => {
    const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', ipv6Only: address.includes(':') });
    socket.once('error', (fault: NodeJS.ErrnoException) => {
      socket.close();
      const inUse = fault.code === 'EADDRINUSE';
      resolve({
        good: inUse,
        text: inUse
          ? `${place}/udp is in use: by a running gateway?`
          : `${place}/udp cannot be opened: ${fault.message}`,
      });
    });
    socket.bind({ address, port, exclusive: true }, () => {
      socket.close();
      resolve({ good: true, text: `${place}/udp can be opened` });
    });
  });
}
