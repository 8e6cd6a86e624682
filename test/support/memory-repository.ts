// A keeper of records in memory, for tests of what stands above the store. Can be made to fail.

import type { Page, PageRequest, Repository } from '../../src/base/repository.ts';

export class MemoryRepository<T extends { readonly sid: string }> implements Repository<T> {
  readonly records = new Map<string, T>();
  readonly #isSame: (a: T, b: T) => boolean;
  /** Every operation rejects with this code. */
  failure: 'unavailable' | 'full' | undefined;
  /** Called before each operation: a test comes in between here. */
  before: (operation: string) => void | Promise<void> = () => {};

  /** `isSame`: what must not be there twice. */
  constructor(isSame: (a: T, b: T) => boolean = () => false) {
    this.#isSame = isSame;
  }

  async #begin(operation: string): Promise<void> {
    await this.before(operation);
    if (this.failure) throw Object.assign(new Error(this.failure), { code: this.failure });
  }

  async get(sid: string): Promise<T | undefined> {
    await this.#begin('get');
    return this.records.get(sid);
  }

  async insert(record: T): Promise<void> {
    await this.#begin('insert');
    for (const other of this.records.values())
      if (other.sid === record.sid || this.#isSame(other, record))
        throw Object.assign(new Error('duplicate'), { code: 'duplicate' });
    this.records.set(record.sid, record);
  }

  async update(record: T): Promise<boolean> {
    await this.#begin('update');
    if (!this.records.has(record.sid)) return false;
    this.records.set(record.sid, record);
    return true;
  }

  async remove(sid: string): Promise<boolean> {
    await this.#begin('remove');
    return this.records.delete(sid);
  }

  async list(where: Partial<T>, { size }: PageRequest): Promise<Page<T>> {
    await this.#begin('list');
    const found = this.#matching(where).reverse();
    return { records: found.slice(0, size), hasMore: found.length > size };
  }

  async count(where: Partial<T>): Promise<number> {
    await this.#begin('count');
    return this.#matching(where).length;
  }

  #matching(where: Partial<T>): T[] {
    const wanted = Object.entries(where) as [keyof T, unknown][];
    return [...this.records.values()].filter((record) => wanted.every(([field, value]) => record[field] === value));
  }
}
