import { ALIVE, CHAOTIC, DEEDS, LOSSY } from './plan.mjs';

/** What a machine may take to let a process run, on top of the lateness that the process measured. */
export const SCHEDULING_MS = 300;

const GENERAL = [
  'validation',
  'unauthorized',
  'no_money',
  'ip_not_allowed',
  'rejected',
  'unavailable',
  'bad_response',
  'timeout',
  'unreachable',
  'unknown_outcome',
];
const CODES = {
  general: GENERAL,
  rate_limit_exceeded: ['rate_limited'],
  invalid_response: ['bad_response'],
};
const NOT_SENT = ['timeout', 'unreachable'];
const UNSEEN = { arrivals: 0, accepted: [], answered: false, doomed: false };

/** In a word, what became of a send. */
export function outcomeOf({ ok, reason }) {
  return ok ? 'resolved' : reason;
}

/** Whether a send settled at its deadline or later, when no reply counts any more. */
export function isLate(plan, { start, end }) {
  return end - start >= plan.timeoutMs - 1;
}

/** The invariants that one send broke, as sentences. */
export function faultsOf(plan, report, seen = UNSEEN) {
  const broken = [];
  const claim = (holds, sentence) => holds || broken.push(sentence);
  const { kinds, timeoutMs } = plan;
  const { ok, code, reason, status, leak, odd, lag, traces } = report;
  const { arrivals, accepted, answered, doomed } = seen;
  const meets = (group) => kinds.some((kind) => group.includes(kind));
  const [, expected] = DEEDS[plan.deed];
  const late = isLate(plan, report);
  const ms = report.end - report.start;

  claim(!leak, `shows a secret: ${leak}`);
  claim(!odd, `rejects with something else: ${odd}`);
  claim(arrivals <= 1, `arrived ${arrivals} times`);
  claim(accepted.length <= 1, `was accepted ${accepted.length} times`);
  const limit = timeoutMs + SCHEDULING_MS + lag;
  claim(ms <= limit, `took ${Math.round(ms)} ms of ${timeoutMs}, with a lag of ${Math.round(lag)}`);
  claim(ok || CODES[code]?.includes(reason), `rejects with ${code} and ${reason}`);

  if (ok) {
    claim(accepted.length === 1, 'resolved, but was not accepted');
    // A body that is whole is an answer, whatever its length is said to be.
    claim(answered || plan.deed === 'tooLittle', 'resolved, but was not answered');
    claim(accepted[0]?.id === report.id, `resolved with id ${report.id} of ${accepted[0]?.id}`);
    claim(meets(CHAOTIC) || accepted[0]?.url === report.url, 'resolved by another gateway');
    claim(expected.resolves, `resolved in spite of ${plan.deed}`);
  }
  if (NOT_SENT.includes(reason)) {
    claim(arrivals === 0 && accepted.length === 0, `not sent (${reason}), but it arrived`);
  }
  if (reason === 'unknown_outcome') {
    claim(meets(ALIVE) || meets(LOSSY) || meets(CHAOTIC), 'unknown, but no byte can have left');
  }
  const patient = ['tlsHang', 'blackhole', 'plainHold'];
  if (reason === 'unreachable') claim(!kinds.every((kind) => patient.includes(kind)), 'unreachable');

  if (!ok && arrivals === 1) {
    const asExpected = !expected.resolves && matches(expected, report);
    const cut = late || doomed || meets(CHAOTIC) || kinds.includes('resetDuring');
    const unknown = reason === 'unknown_outcome' && cut;
    claim(asExpected || unknown, `makes of ${plan.deed}: ${code}, ${reason}, ${status}`);
  }
  for (const trace of traces) broken.push(...faultsOfTrace(plan, report, trace));
  return broken;
}

function matches(expected, { code, reason, status }) {
  return expected.code === code && expected.reason === reason && expected.status === status;
}

function faultsOfTrace({ kinds }, { ok, reason, id, status }, trace) {
  const outcome = {
    accepted: ok,
    unknown: reason === 'unknown_outcome',
    not_sent: NOT_SENT.includes(reason),
  };
  const expected = Object.keys(outcome).find((name) => outcome[name]) ?? 'refused';
  // A busy machine may leave no time for the first one.
  const fewest = reason === 'timeout' ? 0 : 1;
  const attempts = trace.attempts >= fewest && trace.attempts <= kinds.length;
  const checks = [
    [trace.outcome === expected, `outcome ${trace.outcome} for ${expected}`],
    [(trace.reason ?? undefined) === reason, `reason ${trace.reason} for ${reason}`],
    [(trace.httpStatus ?? undefined) === status, `status ${trace.httpStatus} for ${status}`],
    [(trace.id ?? undefined) === id, `id ${trace.id} for ${id}`],
    [attempts, `${trace.attempts} attempts with ${kinds.length} gateways`],
    [/^7999\*+\d\d$/.test(trace.number), `number ${trace.number}`],
  ];
  return checks.filter(([holds]) => !holds).map(([, sentence]) => `is traced with ${sentence}`);
}
