// A store of objects in memory that fails, and waits, as a test says.

import { readFile } from 'node:fs/promises';
import { err, ok, type Result } from '../../src/base/result.ts';
import type { ObjectFault, ObjectPart, ObjectStore } from '../../src/recording/object-store.ts';

type Work = 'put' | 'read' | 'sizeOf' | 'remove' | 'probe';

export class MemoryObjects implements ObjectStore {
  readonly place = 'memory';
  readonly #objects = new Map<string, Buffer>();
  /** Of each request. */
  fault: ObjectFault | undefined;
  faultOf: (work: Work) => ObjectFault | undefined = () => undefined;
  requests = 0;
  /** Ranges that were asked for. */
  readonly reads: (readonly [number, number])[] = [];
  #gate: Promise<void> = Promise.resolve();
  letGo: () => void = () => {};
  /** Objects that are being sent. */
  waiting = 0;

  names(): string[] {
    return [...this.#objects.keys()].sort();
  }
  textOf(name: string): string | undefined {
    return this.#objects.get(name)?.toString();
  }
  bytesOf(name: string): Buffer {
    return Buffer.from(this.#objects.get(name) ?? []);
  }
  write(name: string, content: string | Buffer): void {
    this.#objects.set(name, Buffer.from(content));
  }

  /** Nothing more arrives until `letGo` is called. */
  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.letGo = resolve;
    });
  }

  #ask(work: Work): ObjectFault | undefined {
    this.requests += 1;
    return this.fault ?? this.faultOf(work);
  }

  async put(name: string, file: string, signal: AbortSignal): Promise<Result<void, ObjectFault>> {
    const fault = this.#ask('put');
    if (fault) return err(fault);
    let content: Buffer;
    try {
      content = await readFile(file);
    } catch (cause) {
      return err({ code: 'local', detail: (cause as Error).message });
    }
    this.waiting += 1;
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([this.#gate, aborted]);
    this.waiting -= 1;
    if (signal.aborted) return err({ code: 'unavailable', detail: 'aborted' });
    this.#objects.set(name, content);
    return ok(undefined);
  }

  async read(name: string, start: number, end: number): Promise<Result<ObjectPart, ObjectFault>> {
    const fault = this.#ask('read');
    if (fault) return err(fault);
    const content = this.#objects.get(name);
    if (!content) return err({ code: 'missing', detail: name });
    this.reads.push([start, end]);
    return ok({ sizeBytes: content.length, content: chunksOf(content.subarray(start, end)) });
  }

  async sizeOf(name: string): Promise<Result<number | null, ObjectFault>> {
    const fault = this.#ask('sizeOf');
    return fault ? err(fault) : ok(this.#objects.get(name)?.length ?? null);
  }

  async remove(name: string): Promise<Result<void, ObjectFault>> {
    const fault = this.#ask('remove');
    if (fault) return err(fault);
    this.#objects.delete(name);
    return ok(undefined);
  }

  async probe(): Promise<Result<void, ObjectFault>> {
    const fault = this.#ask('probe');
    return fault ? err(fault) : ok(undefined);
  }

  close(): void {}
}

/** In pieces of odd lengths, as a network gives them. */
async function* chunksOf(content: Buffer): AsyncIterable<Buffer> {
  for (let at = 0, length = 1; at < content.length; at += length, length = (length * 3) % 4_001)
    yield content.subarray(at, at + length);
}
