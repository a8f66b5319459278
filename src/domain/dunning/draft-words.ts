import type { Language } from '../numbers-lock/number-words.ts';

/** Sentences of drafts in one language. Figures come as text. */
export interface DraftWords {
  readonly greeting: (name: string | null) => string;
  readonly subject: Readonly<Record<'reminder' | 'action_needed' | 'final', (amount: string) => string>>;
  /** `reason` is null where it must not be told. */
  readonly failed: (amount: string, day: string, reason: string | null) => string;
  readonly reasons: Readonly<Record<string, string>>;
  readonly again: (time: string) => string;
  /** Only where nothing is asked of the customer. */
  readonly nothingToDo: string;
  /** Only where there were tries since. */
  readonly triedSince: string;
  readonly ask: Readonly<Record<'authenticate' | 'fix_details' | 'new_card' | 'retry', string>>;
  readonly final: string;
  readonly balance: (amount: string, days: string | null) => string;
  readonly slowed: (percent: string) => string;
  readonly link: string;
  readonly noLink: string;
  readonly closing: string;
  readonly about: (account: string) => string;
  readonly mark: Readonly<Record<'reminder' | 'action_needed' | 'final', string>>;
}

const en: DraftWords = {
  greeting: (name) => (name === null ? 'Hello,' : `Hi ${name},`),
  subject: {
    reminder: (amount) => `Your top-up of ${amount} did not go through`,
    action_needed: (amount) => `Please look at your top-up of ${amount}`,
    final: (amount) => `Your top-up of ${amount} is still open`,
  },
  failed: (amount, day, reason) =>
    `your automatic top-up of ${amount} on ${day} did not go through: ${reason ?? 'your bank declined it'}.`,
  reasons: {
    insufficient_funds: 'there was not enough money on the card',
    card_velocity_exceeded: 'the card has reached a limit of its own',
    withdrawal_count_limit_exceeded: 'the card has reached a limit of its own',
    expired_card: 'the card has expired',
    authentication_required: 'your bank wants you to confirm the payment',
    authentication_not_handled: 'your bank wants you to confirm the payment',
    incorrect_cvc: 'the security code of the card did not match',
    invalid_cvc: 'the security code of the card did not match',
    incorrect_number: 'the number of the card is not right',
    invalid_number: 'the number of the card is not right',
    incorrect_zip: 'the postcode of the card did not match',
    card_not_supported: 'the card cannot be used for this kind of payment',
    currency_not_supported: 'the card cannot be used in this currency',
    processing_error: 'the payment could not be processed',
    issuer_not_available: 'your bank could not be reached',
    try_again_later: 'your bank asked us to try later',
  },
  again: (time) => `We will try again on ${time}.`,
  nothingToDo: 'There is nothing you need to do.',
  triedSince: 'Further tries have not gone through either.',
  ask: {
    authenticate: 'Please confirm the payment with your bank.',
    fix_details: 'Please check the details of your card, or pay with another card.',
    new_card: 'Please pay with another card.',
    retry: 'Please pay with another card, or make sure that this card can be charged.',
  },
  final: 'We will not charge this card again by ourselves.',
  balance: (amount, days) =>
    `Your balance is ${amount}${days === null ? '' : `, which lasts about ${days} at your usual pace`}.`,
  slowed: (percent) =>
    `So that it lasts longer, your usage runs at ${percent} of its usual rate until the payment is made. Nothing is deleted.`,
  link: 'Pay now',
  noLink: 'To pay, reply to this mail and we will send you a link.',
  closing: 'If you have a question, reply to this mail.',
  about: (account) => `About the account ${account}.`,
  mark: { reminder: 'Payment not made yet', action_needed: 'Your help is needed', final: 'Payment open' },
};

const de: DraftWords = {
  greeting: (name) => (name === null ? 'Guten Tag,' : `Hallo ${name},`),
  subject: {
    reminder: (amount) => `Ihre Aufladung über ${amount} ist nicht durchgegangen`,
    action_needed: (amount) => `Bitte sehen Sie sich Ihre Aufladung über ${amount} an`,
    final: (amount) => `Ihre Aufladung über ${amount} ist noch offen`,
  },
  failed: (amount, day, reason) =>
    `Ihre automatische Aufladung über ${amount} am ${day} ist nicht durchgegangen: ${reason ?? 'Ihre Bank hat sie abgelehnt'}.`,
  reasons: {
    insufficient_funds: 'Die Karte war nicht ausreichend gedeckt',
    card_velocity_exceeded: 'Die Karte hat ihr eigenes Limit erreicht',
    withdrawal_count_limit_exceeded: 'Die Karte hat ihr eigenes Limit erreicht',
    expired_card: 'Die Karte ist abgelaufen',
    authentication_required: 'Ihre Bank möchte, dass Sie die Zahlung bestätigen',
    authentication_not_handled: 'Ihre Bank möchte, dass Sie die Zahlung bestätigen',
    incorrect_cvc: 'Die Prüfnummer der Karte stimmte nicht',
    invalid_cvc: 'Die Prüfnummer der Karte stimmte nicht',
    incorrect_number: 'Die Kartennummer stimmt nicht',
    invalid_number: 'Die Kartennummer stimmt nicht',
    incorrect_zip: 'Die Postleitzahl der Karte stimmte nicht',
    card_not_supported: 'Mit der Karte ist diese Art von Zahlung nicht möglich',
    currency_not_supported: 'Mit der Karte kann in dieser Währung nicht gezahlt werden',
    processing_error: 'Die Zahlung konnte nicht verarbeitet werden',
    issuer_not_available: 'Ihre Bank war nicht erreichbar',
    try_again_later: 'Ihre Bank bat um einen späteren Versuch',
  },
  again: (time) => `Wir versuchen es am ${time} noch einmal.`,
  nothingToDo: 'Sie brauchen nichts zu tun.',
  triedSince: 'Auch weitere Versuche sind fehlgeschlagen.',
  ask: {
    authenticate: 'Bitte bestätigen Sie die Zahlung bei Ihrer Bank.',
    fix_details: 'Bitte prüfen Sie die Angaben Ihrer Karte, oder zahlen Sie mit einer anderen.',
    new_card: 'Bitte zahlen Sie mit einer anderen Karte.',
    retry: 'Bitte zahlen Sie mit einer anderen Karte, oder sorgen Sie dafür, dass diese belastet werden kann.',
  },
  final: 'Wir werden diese Karte nicht mehr von uns aus belasten.',
  balance: (amount, days) =>
    `Ihr Guthaben beträgt ${amount}${days === null ? '' : `; bei gewohnter Nutzung reicht es etwa ${days}`}.`,
  slowed: (percent) =>
    `Damit es länger reicht, läuft Ihre Nutzung mit ${percent} der gewohnten Geschwindigkeit, bis die Zahlung eingeht. Gelöscht wird nichts.`,
  link: 'Jetzt zahlen',
  noLink: 'Zum Zahlen antworten Sie bitte auf diese Mail; wir senden Ihnen dann einen Link.',
  closing: 'Bei Fragen antworten Sie einfach auf diese Mail.',
  about: (account) => `Zum Konto ${account}.`,
  mark: { reminder: 'Zahlung noch offen', action_needed: 'Ihre Mithilfe ist nötig', final: 'Zahlung offen' },
};

/** Sentences of drafts in a language. */
export function draftWords(language: Language): DraftWords {
  return language === 'de' ? de : en;
}
