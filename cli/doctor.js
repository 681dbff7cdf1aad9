import { existsSync, readFileSync } from 'node:fs';
import tls from 'node:tls';
import { ask, binary, load, version } from './addon.js';
import { inspectAccount } from './check-account.js';
import { inspectPrefixes, inspectTemplates, measure, missing } from './check-templates.js';
import { maskedEmail, toJson } from './format.js';
import { report } from './report.js';
import { placeOf, readSettings } from './settings.js';
import { UsageError } from './usage.js';

const OFFICIAL = ['https://gate.smsaero.ru', 'https://gate.smsaero.org', 'https://gate.smsaero.net'];

/** Looks at everything that a message depends on, and sends none. */
export const doctor = async (options) => {
  const { connector, error } = await load();
  const settings = await readSettings(options, connector);
  const diagnosis = await diagnose({ ...options, ...settings, connector, error });
  if (options.json) console.log(toJson(diagnosis));
  else console.log(report(diagnosis));
  return diagnosis.ok ? 0 : 1;
};

const diagnose = async ({ config, source, connector, error, gateways }) => {
  const findings = [];
  const proxy = connector === null ? null : await inspectProxy(findings);
  const trust = inspectTrust(findings);
  const native = inspectBinary(error, findings);
  const guard = await inspectGuard(connector, config, source, findings);
  const values = typeof config === 'object' && config !== null ? config : {};
  const templates = Array.isArray(values.templates) ? values.templates : [];
  inspectFields(values, source, findings);
  findings.push(...inspectTemplates(templates, values), ...inspectPrefixes(values.allowedPrefixes));

  const bases = await chooseGateways(connector, gateways, findings);
  const reached = await Promise.all(bases.map((base) => reach(base, connector)));
  findings.push(...inspectGateways(reached));
  const account = await askAccount(connector, guard, reached, values, source, findings);

  return {
    version,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    ok: !findings.some(({ level }) => level === 'fail'),
    binary: native,
    config: describe(values, source),
    guard,
    templates: measure(templates),
    missingTemplates: missing(templates),
    proxy,
    trust,
    gateways: reached,
    account,
    findings: findings.sort((one, other) => rank(one) - rank(other)),
  };
};

const rank = ({ level }) => ['fail', 'warn', 'note'].indexOf(level);

const add = (findings, level, check, message, path) => findings.push({ level, check, ...(path && { path }), message });

const inspectBinary = (error, findings) => {
  if (error !== null) add(findings, 'fail', 'binary', error);
  return { loads: error === null, ...binary() };
};

const describe = (values, source) => {
  const { email, apiKey, senderName, fallbackToGeneric, testMode, allowedPrefixes } = values;
  const text = (value) => (typeof value === 'string' ? value : null);
  return {
    source,
    email: text(email) && maskedEmail(email),
    // Nothing of the key, not even its length.
    apiKey: typeof apiKey === 'string' ? (apiKey === '' ? 'empty' : 'set') : 'missing',
    senderName: text(senderName),
    fallbackToGeneric: fallbackToGeneric === true,
    testMode: testMode === true,
    allowedPrefixes: allowedPrefixes ?? null,
  };
};

const inspectGuard = async (connector, config, source, findings) => {
  if (connector === null) return { result: 'unknown', issues: [] };
  const { configGuard } = await connector.createConnector({
    getConfig: async () => config,
    gateways: OFFICIAL,
  });
  const { success, error } = configGuard.safeParse(config);
  if (success) return { result: 'accepted', issues: [] };
  const issues = error.issues.map(({ code, path, message, expected, received }) => ({
    code,
    path: spelled(path),
    message,
    ...(expected && { expected, received }),
  }));
  for (const issue of issues) {
    add(findings, 'fail', 'guard', sentenceOf(issue, source), issue.path);
  }
  return { result: 'refused', issues };
};

const spelled = (path) =>
  path.reduce((left, step) => {
    if (typeof step === 'number') return `${left}[${step}]`;
    return left ? `${left}.${step}` : step;
  }, '');

const sentenceOf = ({ code, path, message, expected, received }, source) => {
  const place = placeOf(path, source);
  if (code === 'invalid_type' && path === '') {
    return `The configuration is of the type ${received}. Give the JSON object that Logto stores for the connector.`;
  }
  if (code === 'invalid_type' && received === 'undefined') {
    return `The configuration is refused, because ${place} is missing. Fill it in.`;
  }
  if (code === 'invalid_type') {
    return `The configuration is refused, because ${place} is of the type ${received}. Make it ${expected}.`;
  }
  if (path === 'email') {
    return `The configuration is refused, because ${place} does not hold an e-mail address. Write the one of the SMS Aero account.`;
  }
  return `The configuration is refused at ${place}: ${message}${/[.!?]$/.test(message) ? '' : '.'}`;
};

const inspectFields = (values, source, findings) => {
  for (const field of ['email', 'apiKey', 'senderName']) {
    const value = values[field];
    if (typeof value !== 'string') continue;
    const place = placeOf(field, source);
    if (value === '') {
      // An empty e-mail is the guard's to name.
      if (field === 'email') continue;
      add(
        findings,
        'fail',
        'config',
        `Nothing is in ${place}: Logto drops an empty field when it saves, and refuses the configuration later. Fill it in.`,
        field,
      );
    } else if (value !== value.trim()) {
      add(
        findings,
        'warn',
        'config',
        `There is white space before or after what is in ${place}. SMS Aero takes it for a part of the value: remove it.`,
        field,
      );
    }
  }
  if (values.testMode === true) {
    add(
      findings,
      'warn',
      'config',
      'testMode is on: SMS Aero answers as if it sent, and nobody gets a message. Switch it off to send.',
      'testMode',
    );
  }
};

const inspectProxy = async (findings) => {
  const found = await ask('proxy');
  if (found === null) return null;
  const names = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'];
  const variable = names.find((name) => process.env[name]);
  const [address, usable] = found;
  if (!usable) {
    add(
      findings,
      'fail',
      'proxy',
      `The variable ${variable} names no proxy with http:// or https://, the kinds that can be used. Correct it, or unset it.`,
    );
  }
  return { variable, address, usable };
};

const inspectTrust = (findings) => {
  const { env, execArgv } = process;
  const file = env.NODE_EXTRA_CA_CERTS || null;
  const flags = `${execArgv.join(' ')} ${env.NODE_OPTIONS ?? ''}`;
  const trust = {
    certificates: (tls.getCACertificates?.('default') ?? tls.rootCertificates).length,
    extraFile: file,
    extraCertificates: null,
    systemStore: /--use-system-ca\b/.test(flags) || env.NODE_USE_SYSTEM_CA === '1',
  };
  if (file !== null) {
    trust.extraCertificates = certificatesIn(file);
    if (trust.extraCertificates === null) {
      add(
        findings,
        'fail',
        'trust',
        `The file ${file}, which NODE_EXTRA_CA_CERTS names, cannot be read. Correct the variable, or unset it.`,
      );
    } else if (trust.extraCertificates === 0) {
      add(
        findings,
        'warn',
        'trust',
        `The file ${file}, which NODE_EXTRA_CA_CERTS names, holds no certificate in PEM form. Convert it, or unset the variable.`,
      );
    }
  }
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    add(
      findings,
      'warn',
      'trust',
      'NODE_TLS_REJECT_UNAUTHORIZED=0 is set. The connector checks certificates all the same; name an authority of your own in NODE_EXTRA_CA_CERTS instead.',
    );
  }
  return trust;
};

const certificatesIn = (file) => {
  if (!existsSync(file)) return null;
  try {
    return readFileSync(file, 'utf8').split('-----BEGIN CERTIFICATE-----').length - 1;
  } catch {
    return null;
  }
};

const chooseGateways = async (connector, option, findings) => {
  const written = option ?? (process.env.SMSAERO_GATEWAYS || undefined);
  if (written === undefined) return OFFICIAL;
  try {
    // The connector's own judgement; without it the addresses are tried as they are.
    await connector?.createConnector({ getConfig: async () => ({}), gateways: written });
    const bases = written
      .split(',')
      .map((base) => base.trim())
      .filter(Boolean);
    return bases.map((base) => new URL(base).href.replace(/\/+$/, ''));
  } catch (error) {
    const sentence = error.code === 'ERR_INVALID_URL' ? 'The gateways are not http(s) URLs.' : error.message;
    if (option !== undefined) throw new UsageError(sentence);
    add(findings, 'fail', 'gateways', sentence);
    return [];
  }
};

const reach = async (url, connector) => {
  const untried = { url, reachable: false, proxied: false, step: 'binary', problem: 'not tried' };
  if (connector === null) return untried;
  return ask({ probe: { gateway: url } });
};

const LOOPBACK = /^(?:localhost|127\.[\d.]+|\[::1\])$/;

const inspectGateways = (reached) => {
  const lost = reached.filter(({ reachable, problem }) => !reachable && problem !== 'not tried');
  const level = reached.some(({ reachable }) => reachable) ? 'warn' : 'fail';
  const local = reached.filter(({ url }) => LOOPBACK.test(new URL(url).hostname));
  return [
    ...lost.map(({ url, problem }) => ({ level, check: 'gateways', path: url, message: problem })),
    ...local.map(({ url }) => ({
      level: 'note',
      check: 'gateways',
      path: url,
      message:
        'This gateway is on this machine, as an inbox for development is, and an inbox sends nothing to anybody. ' +
        'To reach SMS Aero itself, unset SMSAERO_GATEWAYS.',
    })),
  ];
};

const askAccount = async (connector, { issues }, reached, values, source, findings) => {
  const gateway = reached.find(({ reachable }) => reachable)?.url;
  const { email, apiKey, senderName } = values;
  const complete = [email, apiKey, senderName].every((value) => typeof value === 'string' && value);
  const isKnownWrong = issues.some(({ path }) => path === 'email');
  if (gateway === undefined || !complete || isKnownWrong) return null;
  const places = Object.fromEntries(['email', 'apiKey', 'senderName'].map((field) => [field, placeOf(field, source)]));
  const { findings: found, ...account } = await inspectAccount(connector, gateway, values, places);
  findings.push(...found);
  return account;
};
