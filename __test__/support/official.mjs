import createOfficial from '@logto/connector-smsaero';
import nock from 'nock';

/** The official connector, with its requests caught before they leave. */
export async function startOfficial(getConfig) {
  const requests = [];
  const scope = nock('https://gate.smsaero.ru').persist().post('/v2/sms/send').reply(200, {});
  // Here the body still is what goes over the wire; a reply function would be given parsed JSON.
  scope.on('request', ({ method, path, headers }, interceptor, body) => requests.push({ method, path, headers, body }));
  const connector = await createOfficial({ getConfig });
  return {
    connector,
    requests,
    stop: () => {
      nock.cleanAll();
      nock.restore();
    },
  };
}
