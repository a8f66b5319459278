import pg from 'pg';

/**
 * A client for BullMQ, whose error always has a listener. BullMQ takes all listeners off before it hangs up; a server that
 * ends the connection at that moment would end the process with it.
 */
export class ListenedClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    this.#listen();
  }

  override removeAllListeners(event?: string | symbol): this {
    // Without an event all go; with `undefined` Node would look for listeners of that name.
    if (event === undefined) super.removeAllListeners();
    else super.removeAllListeners(event);
    this.#listen();
    return this;
  }

  #listen(): void {
    if (this.listenerCount('error') === 0) this.on('error', () => undefined);
  }
}
