// Made by `npm run build` from the doc comments of napi/. Edit those.

import type { SmsConnector } from '@logto/connector-kit';

export { createConnector as default };

/**
 * What the tracing channel `connector-smsaero:ask` of `node:diagnostics_channel` adds to its context, for the functions that
 * only ask.
 */
export interface AskTrace {
  /** The function that was called. */
  call: 'getStatus' | 'getBalance' | 'listSenderNames'
  /** The base URL of the gateway that was asked last. */
  gateway: string | null
  /** How many times a gateway was asked. */
  attempts: number
  /** From the call to the outcome, in milliseconds. */
  totalMs: number
  /** `refused`: there was a reply, but not an answer. */
  outcome: 'answered' | 'refused' | 'unanswered'
  /** Why there is no answer. */
  reason: Reason | null
  /** The status of HTTP of a reply that was not an answer. */
  httpStatus: number | null
}

/** What `createConnector` is given. */
export interface ConnectorOptions {
  /** Gives the stored configuration for the connector's id. What it throws comes out of `sendMessage` as it is. */
  getConfig: (id: string) => Promise<unknown>
  /** As in `SendOptions`. */
  gateways?: string | string[]
  /** As in `SendOptions`. */
  timeoutMs?: number
  /** As in `SendOptions`. */
  connectTimeoutMs?: number
}

/**
 * Makes the connector that Logto loads: the default export, in the place of the official connector's.
 *
 * Costs microseconds (the first function of the package that a process calls: 2 ms more) and keeps no state of its own;
 * connections are shared by all connectors of the process.
 * Rejects with a sentence when `gateways` cannot be used.
 */
export declare function createConnector(options: ConnectorOptions): Promise<SmsConnector>

/** Asks SMS Aero for the balance, in the account's currency. */
export declare function getBalance(account: SmsAeroAccount, options?: SendOptions): Promise<number>

/**
 * Asks SMS Aero what became of a message, by the `id` of its receipt. One of a test message needs `testMode`. An id beyond
 * `Number.MAX_SAFE_INTEGER` is a string of digits or a bigint.
 *
 * Rejects within 8 seconds, as the other functions that only ask do; they try every gateway, since asking has no side effect.
 */
export declare function getStatus(id: number | string | bigint, account: SmsAeroAccount, options?: SendOptions): Promise<MessageStatus>

/** Asks SMS Aero for the account's sender names, all pages of them. */
export declare function listSenderNames(account: SmsAeroAccount, options?: SendOptions): Promise<SenderName[]>

/** What became of a message; `null` where SMS Aero reported nothing. */
export interface MessageStatus {
  /** The provider's number for the message; a string of digits beyond `Number.MAX_SAFE_INTEGER`. */
  id: number | string
  /** The sender name in use. */
  from: string | null
  /** 0 queued, 1 delivered, 2 undelivered, 3 handed to the operator, 4 waiting, 6 rejected, 8 in moderation. */
  status: number | null
  /** The same in a word. */
  state: 'queued' | 'delivered' | 'undelivered' | 'at_operator' | 'waiting' | 'rejected' | 'moderation' | 'unknown'
  /** Whether it stays so: delivered, undelivered and rejected do. */
  isFinal: boolean
  /** The provider's own word. */
  extendStatus: string | null
  /** The provider's channel, such as `FREE SIGN`. */
  channel: string | null
  /** The price in the account's currency. */
  cost: number | null
  /** When the provider took the message, in unix seconds. */
  dateCreate: number | null
  /** When it was sent, in unix seconds. */
  dateSend: number | null
  /** When the operator answered for the phone, in unix seconds. */
  dateAnswer: number | null
}

/** Why a message was not sent. */
export type Reason = 'validation' | 'unauthorized' | 'no_money' | 'ip_not_allowed' | 'rejected' | 'rate_limited' | 'unavailable' | 'bad_response' | 'timeout' | 'unreachable' | 'unknown_outcome' | 'number_not_allowed'

/** What SMS Aero reported about a message that it accepted; `null` where it reported nothing. */
export interface Receipt {
  /** The provider's number for the message; a string of digits beyond `Number.MAX_SAFE_INTEGER`. */
  id: number | string
  /** The sender name in use. */
  from: string | null
  /** 0 queued, 1 delivered, 3 handed to the operator, 4 waiting, 8 in moderation (it may leave minutes later). */
  status: number | null
  /** The status in a word. */
  extendStatus: string | null
  /** The provider's channel, such as `FREE SIGN`. */
  channel: string | null
  /** The price in the account's currency. */
  cost: number | null
  /** When the provider took the message, in unix seconds. */
  dateCreate: number | null
  /** When it is to be sent, in unix seconds. */
  dateSend: number | null
  /** The base URL of the gateway that took it. */
  gateway: string
}

/** A sender name of an account; `null` where SMS Aero reported nothing. */
export interface SenderName {
  /** The provider's number for the name. */
  id: number | null
  /** The name, exactly as `senderName` has to spell it. */
  name: string
  /** The provider's status of the name; 1 is approved. */
  status: number | null
  /** Whether messages can be sent under it. */
  isApproved: boolean
  /** The provider's own word for the status. */
  extendStatus: string | null
}

/** The `data` of an error that `sendMessage` rejects with. */
export interface SendErrorData {
  /** What happened: the provider's words, or a fixed sentence if they repeat something secret. */
  message: string
  /**
   * The sentence that Logto shows: a diagnosis when the configuration was passed in by hand (the Console's test),
   * else the same neutral sentence whatever happened, in the first of the payload's `uiLocales`, then `locale`, that is
   * English, Russian, German, French or Kazakh; English for all others.
   */
  errorDescription: string
  /** Why, as a stable code. */
  reason: Reason
  /** The status of HTTP, where there was a reply. */
  status?: number
}

/**
 * Sends one message without Logto: a configuration in hand, no stored one to look up.
 *
 * Resolves when SMS Aero accepted the message, and only then. Rejects within 8 seconds with an error that has `code`
 * (Logto's `ConnectorError` code) and `data` ({@link SendErrorData}, or a `ZodError` for `invalid_config`). Nothing is
 * ever sent twice. The error is the host's `ConnectorError` where `@logto/connector-kit` is installed, else one of
 * the same shape.
 *
 * ```js
 * import { sendMessage } from 'connector-smsaero-native';
 *
 * const receipt = await sendMessage({ to: '79001234567', type: 'SignIn', payload: { code: '123456' } }, config);
 * console.log(receipt.id, receipt.cost);
 * ```
 */
export declare function sendMessage(data: SendMessageData, config: SmsAeroConfig, options?: SendOptions): Promise<Receipt>

/** One message, as Logto hands it to an SMS connector. */
export interface SendMessageData {
  /** The phone number: digits with the country code, no plus. */
  to: string
  /** The usage type that chooses the template. */
  type: string
  /** The values of handlebars; `uiLocales` (tags separated by spaces) and `locale` say which languages are wanted. */
  payload: { code?: string; locale?: string; uiLocales?: string } & Record<string, unknown>
  /** The user's address, which Logto passes along and SMS Aero has no use for. */
  ip?: string
}

/** Where and how patiently to send. An embedder's matter; Logto passes none of it. */
export interface SendOptions {
  /**
   * Base URLs to use in the place of SMS Aero's own gateways, tried in this order: a list, or one string separated
   * by commas. https only; plain http to this machine alone. Default: the variable `SMSAERO_GATEWAYS`, then
   * `https://gate.smsaero.ru`, `.org`, `.net`.
   */
  gateways?: string | string[]
  /**
   * The longest that a send may take, in milliseconds from the call to its settlement, the time that `getConfig` takes
   * included. From 1 to 9500, since Logto's sign-in page gives up after 10 seconds. Default: 8000.
   */
  timeoutMs?: number
  /**
   * The longest that connecting to one gateway may take, TLS handshake included, in milliseconds. When it has passed,
   * the next gateway is tried. From 1 to 9500. Default: 2500.
   */
  connectTimeoutMs?: number
}

/**
 * Sends one text without Logto and without templates.
 *
 * Resolves and rejects as `sendMessage` does. `senderName` is by default the name that all customers of SMS Aero share;
 * with `testMode` nothing is sent or charged. A whole configuration will do as the account.
 *
 * ```js
 * import { sendText } from 'connector-smsaero-native';
 *
 * const account = { email: 'owner@example.com', apiKey: process.env.SMSAERO_API_KEY, senderName: 'Shop' };
 * const { id } = await sendText({ to: '79001234567', text: 'Your parcel is here.' }, account);
 * ```
 */
export declare function sendText(message: TextMessage, account: SmsAeroAccount, options?: SendOptions): Promise<Receipt>

/**
 * What the tracing channel `connector-smsaero:send` of `node:diagnostics_channel` adds to its context.
 *
 * It is there from `asyncStart` on; of a message that could not even be composed there are `outcome` and `reason` alone.
 */
export interface SendTrace {
  /** The phone number with its middle hidden. */
  number: string
  /** The usage type asked for; `null` for a text of `sendText`. */
  usageType: string | null
  /** Whether it went to the method that sends and charges nothing. */
  testMode: boolean
  /** The alphabet that the text is transmitted in. */
  alphabet: 'GSM' | 'UCS-2'
  /** The number of parts, each billed as a message. */
  parts: number
  /** The base URL of the gateway that was asked last. */
  gateway: string | null
  /** How many gateways were tried. */
  attempts: number
  /** How long the last one took to connect to, in milliseconds; next to nothing on a kept connection. */
  connectMs: number | null
  /** From the call to the outcome, in milliseconds. */
  totalMs: number
  /** How long Logto's `getConfig` took, in milliseconds; absent where the configuration was passed in by hand. */
  configMs?: number
  /** `unknown`: the request left and no reply came back. */
  outcome: 'accepted' | 'refused' | 'not_sent' | 'unknown'
  /** What confirmed the outcome: the gateway's reply, or SMS Aero's list of messages when no reply did; `null` when nothing did. */
  confirmedBy: 'reply' | 'list' | null
  /** Why it was not accepted. */
  reason: Reason | null
  /** The status of HTTP of a reply that was not an acceptance. */
  httpStatus: number | null
  /** The provider's number for the message; a string of digits beyond `Number.MAX_SAFE_INTEGER`. */
  id: number | string | null
  /** The provider's status of the message, as in `Receipt`. */
  status: number | null
  /** The price in the account's currency. */
  cost: number | null
}

/** An account of SMS Aero. Keys that are not listed are ignored, so that a whole configuration will do. */
export interface SmsAeroAccount {
  /** The e-mail address of the account. */
  email: string
  /** An API key of the account, from the API settings of SMS Aero's dashboard. */
  apiKey: string
  /**
   * The sender name, spelled as it was approved in the dashboard. Default: `SMS Aero`, the name that all customers share;
   * operators may refuse one-time codes under it and bill them all the same.
   */
  senderName?: string
  /** Use the methods that are answered like real ones while nothing is sent or charged. Default: `false`. */
  testMode?: boolean
}

/** The stored configuration of the connector. Keys that are not listed are ignored, as by the official connector. */
export interface SmsAeroConfig {
  /** The e-mail address of the SMS Aero account. */
  email: string
  /** An API key of the account, from the API settings of SMS Aero's dashboard. */
  apiKey: string
  /** The sender name, spelled as it was approved in the dashboard. */
  senderName: string
  /** What messages say. At least one template each for `Register`, `SignIn`, `ForgotPassword` and `Generic`. */
  templates: Array<SmsAeroTemplate>
  /** Use the Generic template for a usage type that has none. Default: `false`, and then such a message is an error. */
  fallbackToGeneric?: boolean
  /** Send to `sms/testsend`: answered like a real message, nothing sent and nothing charged. Default: `false`. */
  testMode?: boolean
  /**
   * Calling codes that may be written to: digits with an optional plus, in a list or in one string separated by
   * commas or spaces, such as `7, 375`. Default, and when blank, `all` or `*`: every number.
   */
  allowedPrefixes?: string | string[]
}

/** What a message of one usage type says. */
export interface SmsAeroTemplate {
  /** Logto's usage type, such as `SignIn`; any other string is allowed. */
  usageType: string
  /** The text. `{{code}}` and other handlebars are filled from the payload; one without a value there stays as it is. */
  content: string
  /**
   * The BCP 47 tag of the text's language. The entry that fits the user's languages best is taken, then the entry
   * without a tag. Default: no tag.
   */
  locale?: string
}

/** One text, as `sendText` takes it. */
export interface TextMessage {
  /** The phone number: 7 to 15 digits with the country code, no plus. */
  to: string
  /** The text. SMS Aero takes 2 to 640 characters. */
  text: string
}
