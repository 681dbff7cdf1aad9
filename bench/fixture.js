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

/** One message. */
export const message = {
  to: '79001234567',
  type: 'SignIn',
  payload: { code: '482913', locale: 'en', uiLocales: 'en-US en' },
};
