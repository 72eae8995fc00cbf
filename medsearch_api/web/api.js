// Asking the service. Queries are POSTed: words that were searched for never stand in an address that is sent.

export class Failure extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** The data of a query's answer. Throws a Failure, or the abort of `signal`. */
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

/** The data of an answer's text. Throws a Failure. */
export function readAnswer(status, text) {
  const answer = parseJson(text);
  if (status === 401) throw new Failure("UNAUTHENTICATED", "Your session has ended.");
  if (status !== 200) {
    const [error] = answer?.errors ?? [];
    throw new Failure(error?.extensions?.code ?? "REFUSED", error?.message ?? `The service refused the request (${status}).`);
  }
  if (!answer) throw new Failure("REFUSED", "The service's answer cannot be read.");
  const [error] = answer.errors?.filter((e) => e.extensions?.code !== "FORBIDDEN") ?? []; // fields for others are null
  if (error) throw new Failure(error.extensions?.code ?? "INTERNAL", error.message);
  return answer.data;
}

export function unreachableError() {
  return new Failure("UNREACHABLE", navigator.onLine ? "The service does not answer." : "This computer is offline.");
}

function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
