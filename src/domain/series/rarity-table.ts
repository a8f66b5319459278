/**
 * Turns a value into −log10 of how often ordinary rows reach it. Entry r of the table is the value that one ordinary row in
 * 10^r reaches; between entries it is a straight line, beyond the last it goes on as steeply as before.
 */
export function rarityByTable(table: readonly number[], value: number): number {
  let rarity = 1;
  while (rarity < table.length - 1 && value > (table[rarity] ?? 0)) rarity++;
  const from = table[rarity - 1] ?? 0;
  const to = table[rarity] ?? from;
  return rarity - 1 + (value - from) / (to - from);
}
