// Carriers both ways without any web application (sip-interface.md 2.4, 7): SIPp is the carrier on one side and the PBX on the other, and
// all that the gateway knows stands in hookswitch.yaml.
//
//   PBX ─ sip:+49…@pbx ─▶ gateway ─ trunk by prefix ─▶ carrier        carrier ─ sip:+4930100@trunk ─▶ gateway ─ number ─▶ PBX

import { afterAll, beforeAll, describe, expect } from 'vitest';
import { GatewayProcess } from '../../support/gateway-process.ts';
import { freePorts } from '../../support/ports.ts';
import { isSippHere, type Story, scenario, type World } from '../world.ts';

const PBX = 'pbx.sip.localhost';
const TRUNK = 'trunk.sip.localhost';
const FULL = 'full.sip.localhost';
const EMERGENCY = 'emergency.sip.localhost';
const DID = '+4930100';

/** One carrier per story, told apart by the prefix that it takes. */
const carriers = ['plain', 'failing', 'silent', 'challenging', 'private', 'redirecting', 'lost', 'emergency'] as const;
type Carrier = (typeof carriers)[number];
const prefixOf = (carrier: Carrier): string => `+4930${carriers.indexOf(carrier) + 1}`;
/** Ports that a SIPp takes: signalling, and media two above. */
const PORTS = 6;

interface Stage {
  readonly gateway: GatewayProcess;
  /** Port of the `index`th target of a carrier. */
  port(carrier: Carrier, index?: number): number;
  readonly pbxPort: number;
}

async function openStage(): Promise<Stage> {
  const first = await freePorts(PORTS * (2 * carriers.length + 1));
  const port = (carrier: Carrier, index = 0) => first + PORTS * (2 * carriers.indexOf(carrier) + index);
  const pbxPort = first + PORTS * 2 * carriers.length;
  const common = { callerId: '+4989777', fromDomain: 'our.example', optionsSeconds: 0 };
  const trunk = (carrier: Carrier, over: object = {}) => ({
    name: carrier,
    targets: [
      { host: '127.0.0.1', port: port(carrier), priority: 1 },
      { host: '127.0.0.1', port: port(carrier, 1), priority: 2 },
    ],
    allowedPrefixes: [prefixOf(carrier)],
    ...common,
    ...over,
  });
  const one = (carrier: Carrier) => ({ targets: [{ host: '127.0.0.1', port: port(carrier) }] });
  const dialOut = (attributes: string) =>
    `<Response><Dial answerOnBridge="true" ${attributes}><Number>{{ToUser}}</Number></Dial><Reject/></Response>`;
  const gateway = await GatewayProcess.start({
    domains: [
      { name: PBX, twiml: dialOut(''), ipAccessControlLists: ['loopback'] },
      { name: `anonymous.${PBX}`, twiml: dialOut('callerId="anonymous"'), ipAccessControlLists: ['loopback'] },
      {
        name: EMERGENCY,
        twiml: dialOut(''),
        ipAccessControlLists: ['loopback'],
        emergencyCallingEnabled: true,
        emergencyCallerId: '+493012345',
        emergencyAddress: { country: 'DE', city: 'Berlin', street: 'Platz der Republik', houseNumber: '1' },
      },
      { name: TRUNK, ipAccessControlLists: ['loopback'], byocTrunk: 'plain' },
      { name: FULL, ipAccessControlLists: ['loopback'], byocTrunk: 'full' },
    ],
    trunks: [
      trunk('plain', { ...one('plain'), plus: false, twiml: '<Response><Reject reason="busy"/></Response>' }),
      trunk('failing'),
      trunk('silent'),
      trunk('challenging', { ...one('challenging'), username: 'carol', password: 'right' }),
      trunk('private', { ...one('private'), callerId: '+4930000' }),
      trunk('redirecting'),
      trunk('emergency', { ...one('emergency'), maxConcurrentCalls: 0, allowedPrefixes: [] }),
      trunk('lost', { host: 'carrier.invalid', targets: [] }),
      { name: 'full', host: '127.0.0.1', maxConcurrentCalls: 0, optionsSeconds: 0, twiml: '<Response/>' },
    ],
    settings: {
      emergencyTrunk: 'emergency',
      numbers: [
        {
          number: DID,
          twiml: `<Response><Dial answerOnBridge="true"><Sip>sip:100@127.0.0.1:${pbxPort}</Sip></Dial></Response>`,
        },
      ],
      accountLimits: [{ account: 'default', blockedPrefixes: ['+49309'] }],
    },
  });
  return { gateway, port, pbxPort };
}

export function trunkCases(world: () => World): void {
  describe('trunks', () => {
    let stage: Stage | undefined;
    const here = (): Stage => stage!;
    beforeAll(async () => {
      if (isSippHere) stage = await openStage();
    });
    afterAll(async () => {
      await stage?.gateway.dispose();
    });

    /** A PBX that dials a number of the carrier's prefix. */
    const dials = (story: Story, runs: string, carrier: Carrier, domain = PBX) =>
      story.caller(runs, { target: here().gateway.sipAddress, service: `${prefixOf(carrier)}55`, domain });
    const target = (story: Story, runs: string, carrier: Carrier, index = 0, keys = {}) =>
      story.callee(runs, { port: here().port(carrier, index), keys });
    const sees = (text: string) => here().gateway.logs(text);

    scenario('[sip 7 trunk-out] PBX to carrier: number form, From host, P-Asserted-Identity', world, async (story) => {
      const carrier = await target(story, 'uas-carrier-checks-number-and-identity', 'plain');
      const pbx = await dials(story, 'uac-call-expect-200-then-bye', 'plain');
      await Promise.all([pbx.finished, carrier.finished]);
    });

    scenario(
      '[sip 7 privacy] callerId anonymous: Privacy: id, and the trunk’s own number asserted',
      world,
      async (story) => {
        const carrier = await target(story, 'uas-carrier-expects-privacy', 'private');
        const pbx = await dials(story, 'uac-call-expect-200-then-bye', 'private', `anonymous.${PBX}`);
        await Promise.all([pbx.finished, carrier.finished]);
      },
    );

    scenario(
      '[sip 2.4 failover-503] 503 of the first target: the second one takes the call, 32011 is noted',
      world,
      async (story) => {
        const failing = await target(story, 'uas-unavailable-503', 'failing');
        const carrier = await target(story, 'uas-answer-expect-bye', 'failing', 1);
        const pbx = await dials(story, 'uac-call-expect-200-then-bye', 'failing');
        await Promise.all([pbx.finished, carrier.finished, failing.finished]);
        await sees('trunk failing: 503');
      },
    );

    scenario('[sip 2.4 failover-silence] 4 s of silence: the second one takes the call', world, async (story) => {
      const silent = await target(story, 'uas-silent-carrier', 'silent');
      const carrier = await target(story, 'uas-answer-expect-bye', 'silent', 1);
      const pbx = await dials(story, 'uac-call-expect-200-then-bye', 'silent');
      await Promise.all([pbx.finished, carrier.finished, silent.finished]);
      await sees('trunk silent: 408');
    });

    scenario('[sip 2.4 no-failover-486] busy is the number’s answer: no second target', world, async (story) => {
      const busy = await target(story, 'uas-busy-486', 'failing');
      const pbx = await dials(story, 'uac-rejected-expect-404', 'failing');
      await Promise.all([pbx.finished, busy.finished]);
    });

    for (const scenarioName of ['uas-challenge-401-then-answer', 'uas-challenge-407-then-answer'])
      scenario(`[sip 7 digest] ${scenarioName}: the trunk’s password answers`, world, async (story) => {
        const carrier = await target(story, scenarioName, 'challenging');
        const pbx = await dials(story, 'uac-call-expect-200-then-bye', 'challenging');
        await Promise.all([pbx.finished, carrier.finished]);
      });

    scenario('[sip 2.4 redirect] 302 to the carrier’s other server is followed', world, async (story) => {
      const contact = `sip:${prefixOf('redirecting')}77@127.0.0.1:${here().port('redirecting', 1)}`;
      const redirecting = await target(story, 'uas-redirect-302', 'redirecting', 0, { contact });
      const carrier = await target(story, 'uas-answer-expect-bye', 'redirecting', 1);
      const pbx = await dials(story, 'uac-call-expect-200-then-bye', 'redirecting');
      await Promise.all([pbx.finished, carrier.finished, redirecting.finished]);
      expect(carrier.messages).toMatch(new RegExp(`^INVITE sip:\\${prefixOf('redirecting')}77@`, 'm'));
    });

    scenario('[sip 2.4 redirect-refused] 302 to the gateway itself is not: 32219', world, async (story) => {
      const contact = `sip:${prefixOf('redirecting')}@${here().gateway.sipAddress}`;
      const redirecting = await target(story, 'uas-redirect-302', 'redirecting', 0, { contact });
      const carrier = await target(story, 'uas-answer-expect-bye', 'redirecting', 1);
      const pbx = await dials(story, 'uac-call-expect-200-then-bye', 'redirecting');
      await Promise.all([pbx.finished, carrier.finished, redirecting.finished]);
      await sees('redirect of trunk redirecting is not followed');
    });

    scenario(
      '[sip 8.4 13227] a prefix that no trunk takes: the call fails, and nothing leaves',
      world,
      async (story) => {
        const service = '+33155';
        const { sipAddress } = here().gateway;
        await story.calls('uac-rejected-expect-404', { target: sipAddress, service, domain: PBX });
        await sees('no trunk allows the destination +33155');
      },
    );

    scenario('[sip 8.4 13225] a blocked number: the call fails, and nothing leaves', world, async (story) => {
      const service = '+4930911';
      const { sipAddress } = here().gateway;
      await story.calls('uac-rejected-expect-404', { target: sipAddress, service, domain: PBX });
    });

    scenario(
      '[sip 9 emergency-call] 112 in Number: the emergency trunk learns the number and the place, though it has no room',
      world,
      async (story) => {
        const carrier = await target(story, 'uas-emergency-trunk-expects-caller-and-place', 'emergency');
        const { sipAddress } = here().gateway;
        const call = { target: sipAddress, service: '112', domain: EMERGENCY };
        const pbx = await story.caller('uac-call-expect-200-then-bye', call);
        await Promise.all([pbx.finished, carrier.finished]);
        await sees('EMERGENCY CALL');
      },
    );

    scenario('a carrier whose name does not resolve: the call fails', world, async (story) => {
      const pbx = await dials(story, 'uac-rejected-expect-404', 'lost');
      await pbx.finished;
      await sees('trunk lost: 503');
    });

    scenario('[sip 7 did] carrier to PBX: the number’s own document rings the PBX', world, async (story) => {
      const pbx = await story.callee('uas-answer-expect-bye', { port: here().pbxPort });
      const options = { target: here().gateway.sipAddress, service: DID, domain: TRUNK };
      const carrier = await story.caller('uac-call-expect-200-then-bye', options);
      await Promise.all([carrier.finished, pbx.finished]);
      await sees(`"to":"${DID}"`);
    });

    scenario('[sip 7 trunk-urls] a number that nobody declared: the trunk’s document', world, async (story) => {
      const options = { target: here().gateway.sipAddress, service: '+4930199', domain: TRUNK };
      await story.calls('uac-rejected-as-busy-expect-486', options);
    });

    scenario('[sip 1.5 capacity] a trunk that is full: 503 with 32012', world, async (story) => {
      const options = { target: here().gateway.sipAddress, service: '+4930123', domain: FULL };
      await story.calls('uac-trunk-is-full-expect-503', options);
    });

    scenario('afterwards no place on a trunk is taken, and nothing else is open', world, async () => {
      await here().gateway.isIdle(70_000);
    });
  });
}
