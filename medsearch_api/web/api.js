// Requests to the service. Queries are POSTed, so that search words never appear in a request's URL.

export class Failure extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** Runs a query and returns its data. Throws a Failure, or an AbortError if `signal` aborts it. */
export async function runQuery(query, variables = {}, signal = undefined) {
  let response;
  try {
    response = await fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw unreachableError();
  }
  return readAnswer(response.status, await response.text());
}

/** Returns the data in a response's text. Throws a Failure. */
export function readAnswer(status, text) {
  const answer = parseJson(text);
  if (status === 401) throw new Failure("UNAUTHENTICATED", "Your session has ended.");
  if (status !== 200) {
    const [error] = answer?.errors ?? [];
    throw new Failure(error?.extensions?.code ?? "REFUSED", error?.message ?? `The service rejected the request (${status}).`);
  }
  if (!answer) throw new Failure("REFUSED", "The service returned an invalid response.");
  const [error] = answer.errors?.filter((e) => e.extensions?.code !== "FORBIDDEN") ?? []; // fields that this user may not see are null
  if (error) throw new Failure(error.extensions?.code ?? "INTERNAL", error.message);
  return answer.data;
}

export function unreachableError() {
  return new Failure("UNREACHABLE", navigator.onLine ? "The service does not respond." : "You are offline.");
}

function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
