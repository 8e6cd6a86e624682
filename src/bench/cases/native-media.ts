// The gateway with its native media engine as a subject. It has the ports of the one with the default engine, which rests meanwhile.

import { loadAddon, NATIVE_ADDON } from '../../media/native/addon.ts';
import type { Bench, World } from '../bench.ts';
import type { KindName } from '../generator/protocol.ts';
import type { MediaSubject } from '../peers/subject.ts';
import { gatewayMedia } from './gateway-media.ts';

/** Undefined, and said so, where the addon is not built; undefined too where nothing compiled is wanted. */
export async function nativeMedia(
  bench: Bench,
  world: World,
  kind: KindName = 'bridge',
): Promise<MediaSubject | undefined> {
  if (!bench.options.withCompiler) return undefined;
  const addon = loadAddon(NATIVE_ADDON);
  if (!addon.ok) {
    bench.skip('native media engine', addon.error);
    return undefined;
  }
  const gateway = await bench.gateway([], undefined, 'native');
  const calls = gatewayMedia(bench, { gateway, generator: world.generator }, kind);
  let isRunning = false;
  const rest = async () => {
    if (!isRunning) return;
    isRunning = false;
    await gateway.stop();
    await world.gateway.start();
  };
  return {
    name: gateway.name,
    cpuSeconds: () => gateway.cpuSeconds(),
    hold: async (count) => {
      if (!isRunning) {
        await world.gateway.stop();
        await gateway.start();
        isRunning = true;
      }
      return calls.hold(count);
    },
    release: async () => {
      await calls.release();
      await rest();
    },
    stop: rest,
  };
}
