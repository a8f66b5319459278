/** Fields of Stripe's error object, next to its type and message. */
export interface FaultDetails {
  readonly code?: string;
  readonly param?: string;
  readonly decline_code?: string;
  readonly advice_code?: string;
  readonly network_advice_code?: string;
  readonly network_decline_code?: string;
  readonly charge?: string;
  readonly payment_intent?: unknown;
  readonly setup_intent?: unknown;
  readonly payment_method?: unknown;
}

/** An answer that is an error, in Stripe's own shape. */
export class StripeFault extends Error {
  readonly status: number;
  readonly type: string;
  readonly details: FaultDetails;

  constructor(status: number, type: string, message: string, details: FaultDetails = {}) {
    super(message);
    this.name = 'StripeFault';
    this.status = status;
    this.type = type;
    this.details = details;
  }

  /** The body as Stripe sends it. */
  body(): { readonly error: Record<string, unknown> } {
    const { code } = this.details;
    return {
      error: {
        ...this.details,
        ...(code === undefined ? {} : { doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}` }),
        message: this.message,
        type: this.type,
      },
    };
  }
}

/** 400: the request cannot be carried out as it stands. */
export function invalidRequest(message: string, details: FaultDetails = {}): StripeFault {
  return new StripeFault(400, 'invalid_request_error', message, details);
}

/** 404 with the wording of Stripe: `No such customer: 'cus_1'`. */
export function noSuch(kind: string, id: string, param = 'id'): StripeFault {
  const message = `No such ${kind}: '${id}'`;
  return new StripeFault(404, 'invalid_request_error', message, { code: 'resource_missing', param });
}

/** 402: the card said no. */
export function cardFault(message: string, details: FaultDetails): StripeFault {
  return new StripeFault(402, 'card_error', message, details);
}
