/** What a feature counts: nano-units of a currency, or things. */
export type FeatureUnit =
  | { readonly kind: 'money'; readonly currency: string }
  | { readonly kind: 'count'; readonly name: string };

/** How results name the unit: `nanos` for money, otherwise what is counted (`count`, `token`, …). */
export function unitName(unit: FeatureUnit): string {
  return unit.kind === 'money' ? 'nanos' : unit.name;
}
