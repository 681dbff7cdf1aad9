// The errors that JavaScript people get: of the host's own classes, since Logto asks with `instanceof`.
(function (host) {
  'use strict';

  // Without a Logto, classes of the same shape.
  const ConnectorError =
    host.ConnectorError ??
    class ConnectorError extends Error {
      constructor(code, data) {
        super(`ConnectorError: ${data ? JSON.stringify(data) : code}`);
        this.code = code;
        this.data = typeof data === 'string' ? { message: data } : data;
      }
    };
  const ZodError =
    host.ZodError ??
    class ZodError extends Error {
      constructor(issues) {
        super(JSON.stringify(issues, null, 2));
        this.issues = issues;
        this.name = 'ZodError';
      }

      get errors() {
        return this.issues;
      }
    };

  return {
    zodError: (issues) => new ZodError(issues),
    // Rust says which code and which data.
    connectorError: ({ code, data, issues }) => new ConnectorError(code, issues ? new ZodError(issues) : data),
  };
});
