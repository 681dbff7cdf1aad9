/** A message with its account; long and odd enough to be looked for in whatever a process prints. */
export const letter = {
  data: { to: '79991234567', type: 'SignIn', payload: { code: 'Zq482913' } },
  config: {
    email: 'secret.mail@hidden.example',
    apiKey: 'KEYSECRET+1/',
    senderName: 'SMSAero',
    templates: ['SignIn', 'Register', 'ForgotPassword', 'Generic'].map((usageType) => ({
      usageType,
      content: 'TEXTSECRET {{code}}',
    })),
  },
};

/** Every secret of it, in its own words or as a header has it. */
export const FIXTURE_SECRETS =
  /hidden\.example|KEYSECRET|TEXTSECRET|79991234567|Zq482913|c2VjcmV0Lm1haW/i;
