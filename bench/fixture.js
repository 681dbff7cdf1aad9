// What all contenders are given.

const TYPES = {
  SignIn: 'sign-in',
  Register: 'sign-up',
  ForgotPassword: 'password change',
  OrganizationInvitation: 'organization invitation',
  Generic: '',
  UserPermissionValidation: 'permission validation',
  BindNewIdentifier: 'new identifier',
  MfaVerification: 'second factor',
  BindMfa: 'second factor setup',
};

/** A configuration with a template for each usage type. */
export const config = {
  email: 'owner@example.com',
  apiKey: 'qXk9vT2mZr7LbN4wYc8HdJ5s',
  senderName: 'SMSAero',
  templates: Object.entries(TYPES).map(([usageType, purpose]) => ({
    usageType,
    content: `Your Logto ${purpose} verification code is {{code}}. The code will remain active for 10 minutes.`,
  })),
};

/** The same with an address that is none, a template without its content and no Generic one. */
export const invalidConfig = {
  ...config,
  email: 'owner at example',
  apiKey: undefined,
  templates: config.templates
    .filter(({ usageType }) => usageType !== 'Generic')
    .map((template, place) => (place === 3 ? { ...template, content: 7 } : template)),
};

/** What Logto's database gives for it, which Logto parses anew for every message. */
export const row = JSON.stringify(config);

const usageTypes = Object.keys(TYPES);

/** A message of its own for each place: another number, another code, the usage types in turn. */
export const messageAt = (place) => ({
  to: `79${String(100_000_000 + ((place * 7919) % 900_000_000))}`,
  type: usageTypes[place % usageTypes.length],
  payload: { code: String(100_000 + ((place * 104_729) % 900_000)), locale: 'en', uiLocales: 'en-US en' },
});
