import { expect, test } from 'vitest';
import { LaneTurn, MemoryVoidError } from '../../../src/pipeline/lane/lane-turn.ts';

test('turns are taken one at a time, in the order asked', async () => {
  const turn = new LaneTurn();
  const order: string[] = [];
  const first = await turn.take();
  const second = turn.take().then((end) => {
    order.push('second');
    end(true);
  });
  const third = turn.take().then((end) => {
    order.push('third');
    end(true);
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual([]);
  first(true);
  // Ending twice must not let two in at once.
  first(true);
  await Promise.all([second, third]);
  expect(order).toEqual(['second', 'third']);
  (await turn.take())(true);
});

test('after a turn that failed nobody gets another: the memory is void', async () => {
  const turn = new LaneTurn();
  const first = await turn.take();
  const second = turn.take();
  first(false);
  await expect(second).rejects.toBeInstanceOf(MemoryVoidError);
  await expect(turn.take()).rejects.toBeInstanceOf(MemoryVoidError);
});

test('a memory that is thrown away sends those who wait for a turn away', async () => {
  const turn = new LaneTurn();
  const first = await turn.take();
  const second = turn.take();
  turn.abolish();
  await expect(second).rejects.toBeInstanceOf(MemoryVoidError);
  first(true);
  await expect(turn.take()).rejects.toBeInstanceOf(MemoryVoidError);
});
