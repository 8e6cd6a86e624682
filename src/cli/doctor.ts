// `doctor`: what the settings and the machine allow, and what would not work, each with its fix. Changes nothing.

import { createSocket } from 'node:dgram';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { realClock } from '../base/clock.ts';
import { type Config, printConfig } from '../config.ts';
import { kernelFindings } from '../gateway-kernel.ts';
import { mediaEngineFinding } from '../gateway-media.ts';
import { recordingStore } from '../gateway-recording-files.ts';
import type { Listen } from '../settings.ts';
import { startupChecks } from '../startup-checks.ts';
import { commandLine, configOrComplain, finish, type Grammar, parseArguments, textOf } from './arguments.ts';

const GRAMMAR: Grammar = {
  options: { config: { type: 'string' }, 'print-config': { type: 'boolean' } },
  usage: `Usage: ${commandLine('doctor')} [options]
  --config FILE    settings (default: hookswitch.yaml where it exists)
  --print-config   print the settings in force too, secrets hidden
Exit code: 0 all is well, 1 something would not work, 2 a mistake in the settings.`,
};

interface Finding {
  readonly isGood: boolean;
  readonly text: string;
}

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, GRAMMAR);
  if (!parsed.ok) return finish(parsed.error);
  const { values } = parsed.value;
  const config = configOrComplain(textOf(values.config));
  if (!config) return 2;
  if (values['print-config']) console.log(printConfig(config));
  const findings = await examine(config);
  for (const { isGood, text } of findings) console.log(`${isGood ? 'ok     ' : 'WARNING'} ${text}`);
  return findings.every((finding) => finding.isGood) ? 0 : 1;
}

async function examine(config: Config): Promise<Finding[]> {
  const { sipListen, sipsListen, sipsClientListen, httpListen, httpsListen } = config;
  const findings: Finding[] = [
    { isGood: true, text: `Node.js ${process.versions.node}` },
    ...startupChecks(config).map(({ level, text }) => ({ isGood: level === 'ok', text })),
    speech(config),
    mediaEngineFinding(config),
    ...(await kernelFindings(config)),
    folder('data', 'HOOKSWITCH_DATA_DIR', config.dataDir),
    folder('certificate', 'HOOKSWITCH_CERT_DIR', config.certDir),
    ...(await recordings(config)),
  ];
  for (const place of sipListen)
    findings.push(
      await listener('udp', 'HOOKSWITCH_SIP_LISTEN', place),
      await listener('tcp', 'HOOKSWITCH_SIP_LISTEN', place),
    );
  for (const place of sipsListen) findings.push(await listener('tcp', 'HOOKSWITCH_SIPS_LISTEN', place));
  for (const place of sipsClientListen) findings.push(await listener('tcp', 'HOOKSWITCH_SIPS_CLIENT_LISTEN', place));
  findings.push(await listener('tcp', 'HOOKSWITCH_HTTP_LISTEN', httpListen));
  if (httpsListen) findings.push(await listener('tcp', 'HOOKSWITCH_HTTPS_LISTEN', httpsListen));
  return findings;
}

function speech(config: Config): Finding {
  const isInstalled = (config.path ?? '').split(':').some((one) => existsSync(join(one, 'espeak-ng')));
  const text = isInstalled ? 'espeak-ng is installed' : 'espeak-ng is not installed, its WASM build speaks (slower)';
  return { isGood: true, text: `speech: ${text}` };
}

/** Whether the store of recordings takes, gives and deletes an object. */
async function recordings(config: Config): Promise<Finding[]> {
  const store = await recordingStore(config, realClock);
  if (!store.ok) return [{ isGood: false, text: store.error }];
  if (!store.value) return [];
  const probed = await store.value.probe(new AbortController().signal);
  store.value.close();
  const text = probed.ok ? `${store.value.place} can be written, read and deleted` : probed.error.detail;
  return [{ isGood: probed.ok, text: `recordings: ${text}` }];
}

/** A folder that is there and may be written, or that could be made. */
function folder(what: string, setting: string, path: string): Finding {
  let nearest = path;
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  try {
    if (!statSync(nearest).isDirectory()) throw new Error(`${nearest} is not a folder`);
    accessSync(nearest, constants.W_OK | constants.X_OK);
    return { isGood: true, text: `${what} folder ${path} ${nearest === path ? 'can be written' : 'can be made'}` };
  } catch (fault) {
    return { isGood: false, text: `${what} folder ${path} (${setting}): ${(fault as Error).message}` };
  }
}

/** Whether a listener could be opened now; a running gateway holds it, which is no fault. */
async function listener(transport: 'udp' | 'tcp', setting: string, { address, port }: Listen): Promise<Finding> {
  const place = `${address.includes(':') ? `[${address}]` : address}:${port}/${transport}`;
  const fault = await (transport === 'udp' ? bindUdp(address, port) : bindTcp(address, port));
  if (!fault) return { isGood: true, text: `${place} can be opened` };
  if (fault.code === 'EADDRINUSE') return { isGood: true, text: `${place} is in use: by a running gateway?` };
  // A wildcard of a family that this machine does not have is left out by the gateway too.
  if (fault.code === 'EAFNOSUPPORT') return { isGood: true, text: `${place} is left out: no IPv6 on this machine` };
  return { isGood: false, text: `${place} (${setting}) cannot be opened: ${fault.message}` };
}

function bindUdp(address: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const isV6 = address.includes(':');
    const socket = createSocket({ type: isV6 ? 'udp6' : 'udp4', ipv6Only: isV6 });
    socket.once('error', (fault) => socket.close(() => resolve(fault)));
    socket.bind({ address, port, exclusive: true }, () => socket.close(() => resolve(undefined)));
  });
}

function bindTcp(address: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host: address, port, exclusive: true, ipv6Only: address.includes(':') }, () =>
      server.close(() => resolve(undefined)),
    );
  });
}
