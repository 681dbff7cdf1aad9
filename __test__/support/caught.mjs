import assert from 'node:assert/strict';

/** What a promise is rejected with; that it is not rejected fails the test. */
export async function caught(promise) {
  let result;
  try {
    result = await promise;
  } catch (thrown) {
    return thrown;
  }
  return assert.fail(`resolved with ${JSON.stringify(result)}`);
}

/** The id of a message that counts as sent, or the reason why it does not; of a question its answer. */
export const outcomeOf = (call) =>
  call.then(
    (result) => result.id ?? result,
    ({ code, data }) => data?.reason ?? code,
  );
