/** Stops when our own code is wrong. What the domain may refuse is a result, what the world may refuse an `AppError`. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
