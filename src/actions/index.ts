import { freezeWallet } from './freeze-wallet.ts';
import { radarReview } from './radar-review.ts';
import { throttleWallet } from './throttle-wallet.ts';

/** Every action a ruleset may name. A new action is one file and one line here. */
export const ACTIONS = [freezeWallet, radarReview, throttleWallet] as const;
