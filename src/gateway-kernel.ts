// What the settings ask of the kernel: relaying of plain bridges, marks on packets. And what `doctor` says about it.

import type { Clock } from './base/clock.ts';
import type { Log } from './base/log.ts';
import type { Config } from './config.ts';
import { kernelAbility } from './media/kernel/ability.ts';
import type { KernelServiceOptions } from './media/kernel/service.ts';

export function kernelOptions(config: Config, { log, clock }: { log: Log; clock: Clock }): KernelServiceOptions {
  const listeners = [...config.sipListen, ...config.sipsListen, ...config.sipsClientListen];
  return {
    relay: config.kernelRelay,
    mediaPorts: config.mediaPorts,
    mediaDscp: config.dscpMedia,
    signallingDscp: config.dscpSignalling,
    sipPorts: [...new Set(listeners.map(({ port }) => port))].filter((port) => port > 0),
    log: log.child({ folder: 'media' }),
    clock,
  };
}

export interface KernelFinding {
  /** False: a setting asks for it, and it is not possible. */
  readonly isGood: boolean;
  readonly text: string;
}

export async function kernelFindings(config: Config): Promise<KernelFinding[]> {
  const { marks, relays } = await kernelAbility();
  const isMarking = config.dscpMedia !== null || config.dscpSignalling !== null;
  return [
    {
      isGood: relays.ok || config.kernelRelay !== 'on',
      text: relays.ok
        ? `kernel relay: possible (${relays.value}); kernelRelay is ${config.kernelRelay}`
        : `kernel relay: not possible, media is relayed in user space (${relays.error})`,
    },
    {
      isGood: marks.ok || !isMarking,
      text: marks.ok
        ? `DSCP: packets can be marked (${marks.value}); ${isMarking ? 'they are' : 'dscpMedia and dscpSignalling are empty'}`
        : `DSCP: packets cannot be marked here (${marks.error})`,
    },
  ];
}
