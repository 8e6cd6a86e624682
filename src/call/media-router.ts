// Hands each event of the media engine to the leg that owns the endpoint. One per engine.

import type { EndpointId, MediaEngine, MediaEvent } from '../media/engine.ts';

export class MediaRouter {
  readonly #owners = new Map<EndpointId, (event: MediaEvent) => void>();

  constructor(engine: MediaEngine) {
    engine.onEvent((event) => {
      if (event.type === 'workerFailed') {
        for (const endpoint of event.endpoints) this.#owners.get(endpoint)?.({ type: 'rtpTimeout', endpoint });
        return;
      }
      this.#owners.get(event.endpoint)?.(event);
    });
  }

  /** Routes events of `endpoint` to `owner` until `forget`. */
  own(endpoint: EndpointId, owner: (event: MediaEvent) => void): void {
    this.#owners.set(endpoint, owner);
  }

  forget(endpoint: EndpointId): void {
    this.#owners.delete(endpoint);
  }

  get size(): number {
    return this.#owners.size;
  }
}
