// Runs cases one after another. A case that fails is a row that says so; the others go on.

import type { Bench } from './bench.ts';
import type { Case } from './cases/case.ts';
import { type Row, row } from './report.ts';

export async function runCases(bench: Bench, cases: readonly Case[], isStopped: () => boolean): Promise<Row[]> {
  const rows: Row[] = [];
  for (const one of cases) {
    if (isStopped()) break;
    bench.progress(one.title);
    try {
      rows.push(...(await one.run(bench)));
    } catch (fault) {
      if (isStopped()) break;
      const why = fault instanceof Error ? fault.message : String(fault);
      rows.push(
        row({
          case: one.name,
          title: one.title,
          subject: 'hookswitch',
          notes: [`failed: ${why.split('\n')[0]}`],
          details: { fault: why },
        }),
      );
      await bench.endWorld();
    }
  }
  return rows;
}
