// The registry of migrations: version n is the n-th entry. Entries are only ever added; a released one never changes.

import { initial } from './001-initial.ts';

export const migrations: readonly string[] = [initial];
