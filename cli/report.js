import { causeOf, counted, painter, table, visible } from './format.js';

/** A diagnosis as tables for a person. */
export const report = (diagnosis) => {
  const paint = painter(process.stdout);
  const { testMode } = diagnosis.config;
  const sections = [
    testMode && paint.yellow('Test mode is on: nobody gets a message.'),
    `connector-smsaero-native ${diagnosis.version}, Node ${diagnosis.node}, ${diagnosis.platform}`,
    section('Installation', installation(diagnosis, paint), paint),
    section('Gateways', gateways(diagnosis, paint), paint),
    section('Account', account(diagnosis, paint), paint),
    section('Templates, with a six-digit code', templates(diagnosis, paint), paint),
    section('Findings', findings(diagnosis, paint), paint),
    summary(diagnosis.findings, paint),
  ];
  return sections.filter(Boolean).join('\n\n');
};

const section = (title, body, paint) => body && `${paint.bold(title)}\n${indented(body)}`;
const indented = (text) => text.replace(/^(?=.)/gm, '  ');

const installation = ({ binary, config, guard, proxy, trust }, paint) => {
  const size = binary.sizeBytes && `${(binary.sizeBytes / 1024 / 1024).toFixed(1)} MB`;
  const file = [binary.file, size, binary.libc].filter(Boolean).join(', ');
  const extra = trust.extraFile && `${counted(trust.extraCertificates ?? 0, 'certificate')} in NODE_EXTRA_CA_CERTS`;
  const roots = `${counted(trust.certificates, 'certificate')} that Node trusts`;
  const results = {
    accepted: ['accepted', paint.green],
    refused: ['refused', paint.red],
    unknown: ['not checked', paint.yellow],
  };
  const switches = ['fallbackToGeneric', 'testMode'].filter((name) => config[name]);
  return table([
    ['native binary', binary.loads ? [`${file}, loads`, (text) => text] : ['does not load', paint.red]],
    ['configuration', config.source],
    ['guard', results[guard.result]],
    ['e-mail', config.email ?? 'missing'],
    ['API key', config.apiKey],
    ['sender name', config.senderName ?? 'missing'],
    ['switched on', switches.join(', ') || 'nothing'],
    ['allowed prefixes', [config.allowedPrefixes ?? []].flat().join(', ') || 'all'],
    ['proxy', proxy === null ? 'none' : (proxy.address ?? 'not usable')],
    ['trust', [roots, extra, trust.systemStore && "the system's store"].filter(Boolean).join(', ')],
  ]);
};

const gateways = ({ gateways: list }, paint) => {
  if (list.length === 0) return '';
  const rows = list.map(({ url, reachable, proxied, totalMs, step }) => [
    url,
    reachable
      ? [`answers in ${totalMs.toFixed(1)} ms${proxied ? ', through the proxy' : ''}`, paint.green]
      : [`no: ${step.toUpperCase()}`, paint.red],
  ]);
  return table(rows);
};

const account = ({ account: found }, paint) => {
  if (found === null) return 'not asked';
  const { credentials, balance, sender } = found;
  const result = { accepted: paint.green, refused: paint.red }[credentials] ?? paint.yellow;
  const rows = [['credentials', [credentials, result]]];
  if (balance !== null) rows.push(['balance', [String(balance), balance > 0 ? paint.green : paint.red]]);
  if (sender !== null) {
    const { approved, shared } = sender;
    const word = shared
      ? ['shared by all customers', paint.yellow]
      : approved
        ? ['approved', paint.green]
        : [approved === null ? 'not found' : 'not approved', paint.red];
    rows.push(['sender name', word]);
  }
  return table(rows);
};

const templates = ({ templates: list }, paint) => {
  if (list.length === 0) return '';
  const rows = list.map(({ usageType, locale, alphabet, units, limit, parts, forcedBy }) => [
    usageType,
    locale ?? '-',
    alphabet,
    `${units} of ${limit}`,
    [counted(parts, 'part'), parts > 1 ? paint.yellow : (text) => text],
    forcedBy === null ? '' : `UCS-2 for ${causeOf(forcedBy)}`,
  ]);
  return table([['', 'locale', 'alphabet', 'length', 'costs', ''].map((text) => [text, paint.dim]), ...rows]);
};

const findings = ({ findings: list }, paint) => {
  const colours = { fail: paint.red, warn: paint.yellow, note: paint.cyan };
  return list
    .map(
      ({ level, path, check, message }) =>
        `${colours[level](level)}  ${visible(path || check)}\n      ${visible(message)}`,
    )
    .join('\n');
};

const summary = (list, paint) => {
  const of = (wanted) => list.filter(({ level }) => level === wanted).length;
  if (of('fail') > 0) return paint.red(`${counted(of('fail'), 'finding')} would stop messages.`);
  if (of('warn') > 0) return paint.yellow(`Nothing stops messages; ${counted(of('warn'), 'warning')} to look at.`);
  return paint.green('Everything is in order.');
};
