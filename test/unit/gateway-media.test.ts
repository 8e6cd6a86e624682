// Which media engine is chosen at the start, and what is said about it.

import { strict as assert } from 'node:assert';
import { describe, test } from 'vitest';
import type { Log, LogFields } from '../../src/base/log.ts';
import { silentLog } from '../../src/base/log.ts';
import { chooseMediaEngine, mediaEngineFinding } from '../../src/gateway-media.ts';
import { nativeAddon } from '../support/native-addon.ts';
import { testUnless } from '../support/skip.ts';

const NONE = '/nonexistent/media.node';

function written(): { log: Log; lines: { level: string; fields: LogFields }[] } {
  const lines: { level: string; fields: LogFields }[] = [];
  const log: Log = {
    ...silentLog,
    info: (fields) => lines.push({ level: 'info', fields }),
    warn: (fields) => lines.push({ level: 'warn', fields }),
  };
  return { log, lines };
}

describe('without the addon', () => {
  for (const [mediaEngine, level, isGood] of [
    ['auto', 'info', true],
    ['workers', 'info', true],
    ['native', 'warn', false],
  ] as const) {
    test(`${mediaEngine}: Node alone, told as ${level}`, () => {
      const { log, lines } = written();
      const settings = { mediaEngine, dscpMedia: null };
      assert.equal(chooseMediaEngine(settings, log, NONE), null);
      assert.deepEqual(
        lines.map(({ level, fields }) => [level, fields.mediaEngine]),
        [[level, 'workers']],
      );
      assert.equal(mediaEngineFinding(settings, NONE).isGood, isGood);
      if (mediaEngine !== 'workers') assert.match(mediaEngineFinding(settings, NONE).text, /npm run build:native/);
    });
  }
});

const built = nativeAddon();
testUnless('missing' in built ? `native media thread: ${built.missing}` : undefined)(
  'with the addon: auto and native take it, workers does not; the mark of packets goes with it',
  () => {
    assert.ok('file' in built);
    const { log, lines } = written();
    for (const mediaEngine of ['auto', 'native'] as const) {
      const settings = { mediaEngine, dscpMedia: 34 };
      assert.deepEqual(chooseMediaEngine(settings, log, built.file), { addon: built.file, dscp: 34 });
      assert.deepEqual(mediaEngineFinding(settings, built.file), {
        isGood: true,
        text: 'media engine: native threads',
      });
    }
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields.mediaEngine]),
      [
        ['info', 'native'],
        ['info', 'native'],
      ],
    );
    assert.equal(chooseMediaEngine({ mediaEngine: 'workers', dscpMedia: null }, log, built.file), null);
  },
);
