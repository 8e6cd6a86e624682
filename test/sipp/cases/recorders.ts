// Session recording (RFC 7866) with SIPp as the recording server: what it is offered, and what it may ask (twiml.md 10.2).
//
//   SIPp ─ call ─▶ gateway ─ INVITE, two streams, metadata ─▶ SIPp as recorder

import { afterAll, beforeAll, describe } from 'vitest';
import { GatewayProcess } from '../../support/gateway-process.ts';
import { freePorts } from '../../support/ports.ts';
import { isSippHere, scenario, type World } from '../world.ts';

const DOMAIN = 'recorded.sip.localhost';
/** Its connector says TCP. */
const OVER_TCP = 'tcp.recorded.sip.localhost';
/** Ports that a SIPp takes: signalling, and media two above. */
const PORTS = 6;

interface Stage {
  readonly gateway: GatewayProcess;
  readonly ports: readonly number[];
}

const recorded = (connector: string): string =>
  `<Response><Start><Siprec connectorName="${connector}"/></Start><Play digits="w"/><Pause length="60"/></Response>`;

async function openStage(): Promise<Stage> {
  const first = await freePorts(2 * PORTS);
  const ports = [first, first + PORTS];
  const gateway = await GatewayProcess.start({
    domains: [
      { name: DOMAIN, twiml: recorded('archive'), ipAccessControlLists: ['loopback'] },
      { name: OVER_TCP, twiml: recorded('tcp'), ipAccessControlLists: ['loopback'] },
    ],
    settings: {
      siprecConnectors: [
        { name: 'archive', uri: ports.map((port) => `sip:srs@127.0.0.1:${port}`) },
        { name: 'tcp', uri: `sip:srs@127.0.0.1:${first}`, transport: 'tcp' },
      ],
    },
  });
  return { gateway, ports };
}

export function recorderCases(world: () => World): void {
  describe('recording servers', () => {
    let stage: Stage | undefined;
    const here = (): Stage => stage!;
    beforeAll(async () => {
      if (isSippHere) stage = await openStage();
    });
    afterAll(async () => {
      await stage?.gateway.dispose();
    });
    const calls = { domain: DOMAIN } as const;

    scenario('[twiml 10.2 recording-client] two streams and their metadata, BYE at the end', world, async (story) => {
      const recorder = await story.callee('uas-recorder-expects-two-streams-then-bye', { port: here().ports[0]! });
      const target = here().gateway.sipAddress;
      const caller = await story.caller('uac-call-for-3-s-expect-200-then-bye', { target, ...calls });
      await Promise.all([caller.finished, recorder.finished]);
    });

    scenario('the same over TCP', world, async (story) => {
      const recorder = await story.callee('uas-recorder-expects-two-streams-then-bye', {
        port: here().ports[0]!,
        transport: 'tcp',
      });
      const target = here().gateway.sipAddress;
      const caller = await story.caller('uac-call-for-3-s-expect-200-then-bye', { target, domain: OVER_TCP });
      await Promise.all([caller.finished, recorder.finished]);
    });

    scenario('a server that asks for the metadata and hangs up: the call goes on', world, async (story) => {
      const recorder = await story.callee('uas-recorder-asks-for-metadata-then-hangs-up', { port: here().ports[0]! });
      const target = here().gateway.sipAddress;
      const caller = await story.caller('uac-call-for-3-s-expect-200-then-bye', { target, ...calls });
      await Promise.all([caller.finished, recorder.finished]);
    });

    scenario('503 of the first server: the second one of the connector takes the session', world, async (story) => {
      const [first, second] = here().ports;
      const failing = await story.callee('uas-unavailable-503', { port: first! });
      const recorder = await story.callee('uas-recorder-expects-two-streams-then-bye', { port: second! });
      const target = here().gateway.sipAddress;
      const caller = await story.caller('uac-call-for-3-s-expect-200-then-bye', { target, ...calls });
      await Promise.all([caller.finished, recorder.finished, failing.finished]);
      await here().gateway.logs('a recording server failed');
      await here().gateway.logs('archive');
    });
  });
}
