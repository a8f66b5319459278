/** What one request may cost us. Every limit stands in docs/http.md. */
export const HTTP_LIMITS = {
  /** Bytes of an ordinary body. */
  bodyBytesMax: 256 * 1024,
  /** Bytes of all headers and the request line. */
  headerBytesMax: 16 * 1024,
  /** From the first byte of a request to the last of its body: a sender that trickles is cut off. */
  requestMs: 30_000,
  headersMs: 10_000,
  /** How long an idle connection is kept; longer than common proxies keep theirs. */
  keepAliveMs: 65_000,
  /** Requests on one connection before it is closed, so that balancers can spread clients again. */
  requestsPerConnectionMax: 100_000,
  connectionsMax: 4_096,
  /** Bytes of a path parameter: an event id has up to 256 bytes, each of them up to three characters in a path. */
  parameterCharactersMax: 800,
  /** Levels of arrays and objects in a body. */
  depthMax: 32,
  /** How often timeouts of connections are looked at. */
  checkEveryMs: 1_000,
  /** How long a stopping server waits for its answers to be fetched. */
  closeGraceMs: 25_000,
  closeEveryMs: 50,
} as const;
