const NEGATIVE_AMOUNT = /^-\d[\d.]*(?: ?[A-Za-z]{3})?$/;

/**
 * Command-line words in which a negative amount (`-5`, `"-5 USD"`) begins with a real minus sign, so that it is not
 * taken for an option: no option of ours begins with a digit.
 */
export function protectNegativeAmounts(args: readonly string[]): string[] {
  return args.map((arg) => (NEGATIVE_AMOUNT.test(arg) ? `−${arg.slice(1)}` : arg));
}
